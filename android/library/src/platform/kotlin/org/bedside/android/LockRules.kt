package org.bedside.android

import kotlin.time.Duration
import kotlin.time.Duration.Companion.minutes

/**
 * When a device locks by itself. The defaults are the published rules for patient apps; an organisation may set shorter times.
 */
data class LockRules(
    /** On the screen, since somebody last touched it. */
    val idle: Duration = 5.minutes,
    /** Off the screen. */
    val away: Duration = 1.minutes,
) {
    init {
        require(idle.isPositive() && away.isPositive()) { "a device that locks at once cannot be used" }
    }
}

/** Where the person is. Times are since the device started, its sleep included. */
internal sealed interface Presence {
    data class Here(val touched: Duration) : Presence

    data class Away(val left: Duration) : Presence
}

/** The moment at which an unlocked device locks unless something happens before. */
internal fun LockRules.due(presence: Presence): Duration = when (presence) {
    is Presence.Here -> presence.touched + idle
    is Presence.Away -> presence.left + away
}
