package org.bedside

import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.channels.awaitClose
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.buffer
import kotlinx.coroutines.flow.callbackFlow
import kotlinx.coroutines.flow.channelFlow
import kotlinx.coroutines.flow.conflate
import kotlinx.coroutines.flow.flowOn
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.flow.mapNotNull

/**
 * Everything that changes, the current sync status first. Cancelling the collector ends the subscription: when that is done,
 * nothing more is told.
 *
 * None is left out, however slow the collector is: an event is a few bytes.
 */
fun Device.events(): Flow<Event> = callbackFlow {
    val subscription = subscribe(
        object : Observer {
            override fun told(event: Event) {
                trySend(event)
            }
        },
    )
    awaitClose { subscription.use { it.cancel() } }
}.buffer(Channel.UNLIMITED)

/** How things are between this device and the relay: the newest only. */
fun Device.syncStatuses(): Flow<SyncStatus> = events().mapNotNull { (it as? Event.Sync)?.status }.conflate()

/**
 * What a read answers: now, and again whenever something that it may depend on has changed. A collector that is slow skips
 * what is out of date.
 *
 *     device.watch { worklist(Worklist.CASELOAD, null, 50u) }.collect(::show)
 */
fun <T> Device.watch(read: Device.() -> T): Flow<T> = watch({ it !is Event.Sync }, read)

/** A plan as it is shown: now, and again whenever it has changed. */
fun Device.planViews(plan: PlanId): Flow<PlanView> = watch({ it is Event.Plan && it.plan == plan }) { plan(plan) }

private fun <T> Device.watch(matters: (Event) -> Boolean, read: Device.() -> T): Flow<T> = callbackFlow {
    val subscription = subscribe(
        object : Observer {
            override fun told(event: Event) {
                if (matters(event)) trySend(Unit)
            }
        },
    )
    // After the subscription has begun, so that no change falls in between.
    trySend(Unit)
    awaitClose { subscription.use { it.cancel() } }
}.conflate().map { read() }.flowOn(Dispatchers.IO)

/**
 * Answers an invitation, step by step, until the credential is here. Collecting it enrols; cancelling stops, and collecting
 * again goes on.
 */
fun Device.enrol(invitation: String): Flow<EnrolStep> = channelFlow {
    cancellable { cancel ->
        val progress = object : EnrolProgress {
            override fun reached(step: EnrolStep) {
                trySend(step)
            }
        }
        enrol(invitation, progress, cancel)
    }
}.conflate()
