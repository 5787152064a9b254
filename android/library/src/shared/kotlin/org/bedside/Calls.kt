package org.bedside

import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import kotlin.coroutines.coroutineContext

/** A PIN. It is not printed. */
@JvmInline
value class Pin(internal val digits: String) {
    override fun toString(): String = "Pin(withheld)"
}

/** Makes a new device in a directory without one. It is unlocked. */
suspend fun Device.Companion.create(directory: String, keyStore: KeyStore, pin: Pin): Device =
    withContext(Dispatchers.IO) { create(directory, keyStore, pin.digits) }

/** Unlocks by the person's PIN. */
suspend fun Device.unlock(pin: Pin): Unit = withContext(Dispatchers.IO) { unlock(pin.digits) }

/** Unlocks as one of several who share the device, or hands over from one to another. */
suspend fun Device.unlockAs(identity: Slot, pin: Pin): Unit =
    withContext(Dispatchers.IO) { unlockAs(identity, pin.digits) }

/** Lets somebody else use this device: whoever `host` is lets them in by their own PIN. */
suspend fun Device.addIdentity(host: Slot, hostsPin: Pin, label: String, pin: Pin): Slot =
    withContext(Dispatchers.IO) { addIdentity(host, hostsPin.digits, label, pin.digits) }

/** Unlocks, and lets the platform's key store unlock until a moment, in milliseconds since 1970, at most a day away. */
suspend fun Device.remember(pin: Pin, until: Long): Unit = withContext(Dispatchers.IO) { remember(pin.digits, until) }

/** Changes the PIN. */
suspend fun Device.changePin(old: Pin, new: Pin): Unit =
    withContext(Dispatchers.IO) { changePin(old.digits, new.digits) }

/** Checks a device that is not open, and makes anew what is damaged. */
suspend fun repair(directory: String, keyStore: KeyStore, pin: Pin): Repair =
    withContext(Dispatchers.IO) { repair(directory, keyStore, pin.digits) }

/** Gets in step with the relay once. Cancelling the coroutine stops it at the next safe moment; nothing is lost. */
suspend fun Device.sync(): SyncReport = cancellable { cancel -> sync(cancel) }

/**
 * Writes into a plan: all of it is saved, or nothing and the reason is thrown. For a screen on which somebody writes for a
 * while, begin a [Draft] when they begin.
 */
suspend fun Device.edit(plan: PlanId, write: Draft.() -> Unit): Saved = withContext(Dispatchers.IO) {
    draft(plan).use { draft ->
        draft.write()
        draft.commit()
    }
}

/** Every plan, by name, page by page as they are asked for. */
fun Device.allPlans(pageSize: UInt = 200u): Sequence<PlanRow> = sequence {
    var page = plans(null, pageSize)
    yieldAll(page.rows)
    while (true) {
        page = plans(page.next ?: break, pageSize)
        yieldAll(page.rows)
    }
}

/** An answer with who it was heard from. */
infix fun Answer.heardFrom(source: Source): Leaf = Leaf(this, source)

/** Runs a call that blocks, where blocking is no harm, and tells it when the coroutine is cancelled. */
internal suspend fun <T> cancellable(call: (Cancel) -> T): T = Cancel().use { cancel ->
    try {
        coroutineScope {
            val watcher = launch(start = CoroutineStart.UNDISPATCHED) {
                try {
                    awaitCancellation()
                } finally {
                    cancel.cancel()
                }
            }
            try {
                withContext(Dispatchers.IO) { call(cancel) }
            } finally {
                watcher.cancel()
            }
        }
    } catch (cancelled: ApiException.Cancelled) {
        coroutineContext.ensureActive()
        throw cancelled
    }
}
