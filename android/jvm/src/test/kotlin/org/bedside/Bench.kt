package org.bedside

import kotlin.time.Duration
import kotlin.time.DurationUnit
import kotlin.time.measureTime
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout

/** What the boundary costs on the JVM: `cargo xtask bench boundary`. What stays in memory is told by `cargo xtask python`. */
fun main(arguments: Array<String>): Unit = runBlocking {
    val plans = arguments.firstOrNull()?.toInt() ?: 10_000
    World().use { world ->
        val before = objectsAlive()
        world.organisation("Riverside", "RX1").use { admin ->
            world.colleague(admin, "nurse", Role.NURSE).use { nurse ->
                world.colleague(admin, "doctor", Role.DOCTOR).use { doctor ->
                    calls(nurse)
                    live(nurse, doctor)
                    lists(nurse, plans)
                }
            }
        }
        println("%-60s %10d".format("native objects left", objectsAlive() - before))
    }
}

private fun calls(nurse: Device) {
    tell("one call over JNA (a number comes back), median of 21", rounds = 21, each = 20_000) { objectsAlive() }
    tell("one call on an object (a record comes back), median of 21", rounds = 21, each = 2_000) { nurse.syncStatus() }
}

private suspend fun live(nurse: Device, doctor: Device) {
    val plan = nurse.startPlan(jane()).plan
    converge(nurse, doctor)
    val devices = listOf(nurse, doctor)
    devices.forEach { it.foreground() }
    devices.forEach { device ->
        withTimeout(LONG_MS) { device.syncStatuses().first { it == SyncStatus.InStep(live = true) } }
    }
    val times = (1..50).map { number ->
        kotlinx.coroutines.coroutineScope {
            val arrives = async(Dispatchers.IO) {
                doctor.awaitPlan(plan) { "number $number" in it.words("wishes.about_me") }
            }
            measureTime {
                nurse.edit(plan) { setText("wishes.about_me", "number $number") }
                arrives.await()
            }
        }
    }.sorted()
    devices.forEach { it.background() }
    show("edit on one device to a Flow on another, through the relay", times[times.size / 2])
    show("the same, the slowest of 50", times.last())
    tell("a whole plan as records, median of 21", rounds = 21, each = 20) { nurse.plan(plan) }
}

private fun lists(nurse: Device, plans: Int) {
    nhsNumbers().take(plans - 1).forEach { nurse.startPlan(jane(it)) }
    tell("a page of 50 of $plans plans, median of 21", rounds = 21, each = 5) { nurse.plans(null, 50u) }
    tell("all $plans plans, 200 a page, median of 5", rounds = 5, each = 1) { check(nurse.allPlans().count() == plans) }
    tell("search as you type, median of 21", rounds = 21, each = 5) { nurse.search("999") }
}

private fun tell(what: String, rounds: Int, each: Int, call: () -> Unit) {
    repeat(each) { call() }
    val times = (1..rounds).map { measureTime { repeat(each) { call() } } / each }.sorted()
    show(what, times[times.size / 2])
}

private fun show(what: String, time: Duration) = println("%-60s %10.4f ms".format(what, time.toDouble(DurationUnit.MILLISECONDS)))
