package org.bedside.android

import kotlin.time.Duration
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeoutOrNull
import org.bedside.ApiException
import org.bedside.Device
import org.bedside.DeviceInterface
import org.bedside.Pin
import org.bedside.Slot
import org.bedside.SyncReport
import org.bedside.remember
import org.bedside.sync
import org.bedside.unlock
import org.bedside.unlockAs

/**
 * A device in the life of an app: on the screen and off it, locked in time, its files released while nobody needs them.
 *
 * Call it from the main thread, and give it a scope of the main thread.
 */
class Session internal constructor(
    private val calls: DeviceInterface,
    private val syncOnce: suspend () -> SyncReport,
    private val scope: CoroutineScope,
    private val rules: LockRules,
    private val elapsed: () -> Duration,
    private val failed: (ApiException) -> Unit,
) {
    /**
     * @param elapsed time since the device started, its sleep included: `SystemClock.elapsedRealtime().milliseconds`.
     * @param failed told what went wrong where nobody waits for an answer: a full disk when the app comes back, say.
     */
    constructor(
        device: Device,
        scope: CoroutineScope,
        elapsed: () -> Duration,
        failed: (ApiException) -> Unit,
        rules: LockRules = LockRules(),
    ) : this(device, { device.sync() }, scope, rules, elapsed, failed) {
        opened = device
    }

    private var opened: Device? = null
    private val open = MutableStateFlow(calls.status().unlocked)
    private var presence: Presence = Presence.Away(elapsed())
    private var timer: Job? = null

    /** For everything that a plan needs. */
    val device: Device get() = checkNotNull(opened) { "a session of a test has no library behind it" }

    /** Plans can be read and written. What was on the screen goes when this turns false. */
    val unlocked: StateFlow<Boolean> = open.asStateFlow()

    init {
        watch()
    }

    /** The app is on the screen. Locks first when the person was away for too long, so that no plan is seen on the way. */
    fun foreground() {
        lockIfDue()
        presence = Presence.Here(elapsed())
        told { calls.foreground() }
        watch()
    }

    /** The app is off the screen. */
    fun background() {
        presence = Presence.Away(elapsed())
        told { calls.background() }
        watch()
        releaseIfIdle()
    }

    /** Somebody touched the screen. */
    fun touched() {
        if (presence is Presence.Here) presence = Presence.Here(elapsed())
    }

    /** What the platform says of the network. */
    fun network(available: Boolean) = calls.network(available)

    /** Opens the vault. Throws what a PIN can be answered with. */
    suspend fun unlock(pin: Pin) {
        device.unlock(pin)
        opened()
    }

    /** Opens the vault as one of several who share the phone, or hands over to them from another. */
    suspend fun unlockAs(identity: Slot, pin: Pin) {
        device.unlockAs(identity, pin)
        opened()
    }

    /** Opens the vault, and lets [unlockRemembered] do so until a moment, in milliseconds since 1970. */
    suspend fun remember(pin: Pin, until: Long) {
        device.remember(pin, until)
        opened()
    }

    /** Opens the vault after the person proved who they are; false when it has to be the PIN. */
    fun unlockRemembered(): Boolean = calls.unlockRemembered().also { if (it) opened() }

    /** Keys and plans leave memory. */
    fun lock() {
        told { calls.lock() }
        open.value = false
        releaseIfIdle()
    }

    /**
     * Gets in step with the relay once, for at most so long. What is under way when the time is over stops at a safe moment, and
     * the next run goes on from there.
     */
    suspend fun syncInBackground(limit: Duration): BackgroundSync = try {
        calls.resume()
        withTimeoutOrNull(limit) { syncOnce() }?.let(BackgroundSync::Done) ?: BackgroundSync.Again(null)
    } catch (error: ApiException) {
        afterwards(error)
    } finally {
        releaseIfIdle()
    }

    private fun opened() {
        open.value = true
        if (presence is Presence.Here) presence = Presence.Here(elapsed())
        watch()
    }

    private fun lockIfDue() {
        if (open.value && elapsed() >= rules.due(presence)) lock()
    }

    /** Off the screen and locked: another process may have the files. */
    private fun releaseIfIdle() {
        if (!open.value && presence is Presence.Away) told { calls.suspend() }
    }

    private fun watch() {
        timer?.cancel()
        if (!open.value) return
        timer = scope.launch {
            while (open.value) {
                val left = rules.due(presence) - elapsed()
                if (left.isPositive()) delay(left) else lock()
            }
        }
    }

    private fun told(call: () -> Unit) = try {
        call()
    } catch (error: ApiException) {
        failed(error)
    }
}
