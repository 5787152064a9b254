package org.bedside.android

import java.lang.reflect.Proxy
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.minutes
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.ExperimentalCoroutinesApi
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.test.TestScope
import kotlinx.coroutines.test.advanceTimeBy
import kotlinx.coroutines.test.currentTime
import kotlinx.coroutines.test.runCurrent
import kotlinx.coroutines.test.runTest
import org.bedside.ApiException
import org.bedside.DeviceInterface
import org.bedside.DeviceStatus
import org.bedside.SyncReport
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** Nobody may be asked anything else. */
private val NOTHING = Proxy.newProxyInstance(
    DeviceInterface::class.java.classLoader,
    arrayOf(DeviceInterface::class.java),
) { _, method, _ -> error("${method.name} was not expected") } as DeviceInterface

/** A device that remembers what it was told; its vault is open. */
private class Told : DeviceInterface by NOTHING {
    val calls = mutableListOf<String>()
    var fails: ApiException? = null

    private fun note(call: String) {
        calls += call
        fails?.let { throw it }
    }

    override fun status() = DeviceStatus(
        unlocked = true, identity = null, relay = null, lastContact = null, clockAheadMs = null, unsent = 0u,
        unopened = 0u, plans = null, waiting = null, refused = null, setAside = null,
    )

    override fun foreground() = note("foreground")

    override fun background() = note("background")

    override fun lock() = note("lock")

    override fun suspend() = note("suspend")

    override fun resume() = note("resume")

    override fun unlockRemembered() = note("unlockRemembered").let { true }
}

private val REPORT = SyncReport(bytesUp = 1u, bytesDown = 2u, roundTrips = 1u, tookMs = 3u, unsent = 0u)

@OptIn(ExperimentalCoroutinesApi::class)
class SessionTest {
    private val told = Told()
    private val failures = mutableListOf<ApiException>()

    private fun TestScope.session(sync: suspend () -> SyncReport = { REPORT }) = Session(
        told, sync, backgroundScope, LockRules(), { currentTime.milliseconds }, { failures += it },
    )

    private fun TestScope.pass(time: Duration) {
        advanceTimeBy(time)
        runCurrent()
    }

    @Test
    fun `a device that nobody touches locks after five minutes, and not before`() = runTest {
        val session = session()
        session.foreground()
        pass(299.seconds)
        assertTrue(session.unlocked.value)
        pass(1.seconds)
        assertFalse(session.unlocked.value)
        assertEquals(listOf("foreground", "lock"), told.calls)
    }

    @Test
    fun `a touch starts the five minutes again`() = runTest {
        val session = session()
        session.foreground()
        pass(4.minutes)
        session.touched()
        pass(4.minutes)
        assertTrue(session.unlocked.value)
        pass(1.minutes)
        assertFalse(session.unlocked.value)
    }

    @Test
    fun `off the screen it locks after a minute and releases its files`() = runTest {
        val session = session()
        session.foreground()
        session.background()
        pass(59.seconds)
        assertTrue(session.unlocked.value)
        pass(1.seconds)
        assertFalse(session.unlocked.value)
        assertEquals(listOf("foreground", "background", "lock", "suspend"), told.calls)
    }

    @Test
    fun `back within the minute it stays open, and the minute is forgotten`() = runTest {
        val session = session()
        session.foreground()
        session.background()
        pass(30.seconds)
        session.foreground()
        pass(2.minutes)
        assertTrue(session.unlocked.value)
    }

    @Test
    fun `when the phone slept past the minute it locks before anything is shown`() = runTest {
        var slept = 0.minutes
        val session = Session(
            told, { REPORT }, backgroundScope, LockRules(),
            { currentTime.milliseconds + slept }, { failures += it },
        )
        session.foreground()
        session.background()
        slept = 10.minutes
        session.foreground()
        assertFalse(session.unlocked.value)
        assertEquals(listOf("foreground", "background", "lock", "suspend", "foreground"), told.calls)
    }

    @Test
    fun `what fails with nobody waiting is told, and the device counts as locked all the same`() = runTest {
        val session = session()
        told.fails = ApiException.FreeSpace("the disk is full")
        session.lock()
        assertFalse(session.unlocked.value)
        assertEquals(listOf("the disk is full"), failures.map { (it as ApiException.FreeSpace).text }.distinct())
    }

    @Test
    fun `the remembered key opens it again`() = runTest {
        val session = session()
        session.foreground()
        session.lock()
        assertTrue(session.unlockRemembered())
        assertTrue(session.unlocked.value)
        pass(5.minutes)
        assertFalse(session.unlocked.value)
    }

    @Test
    fun `a sync in the background takes the files, and releases them when the device is locked`() = runTest {
        val session = session()
        session.lock()
        told.calls.clear()
        assertEquals(BackgroundSync.Done(REPORT), session.syncInBackground(9.minutes))
        assertEquals(listOf("resume", "suspend"), told.calls)
    }

    @Test
    fun `a sync that hangs is stopped in time and tried again`() = runTest {
        val session = session { awaitCancellation() }
        assertEquals(BackgroundSync.Again(null), session.syncInBackground(9.minutes))
        assertEquals(9.minutes.inWholeMilliseconds, currentTime)
    }

    @Test
    fun `a relay out of reach is tried again, and a device that is not enrolled is not`() = runTest {
        val unreachable = ApiException.Unreachable("the relay cannot be reached")
        assertEquals(BackgroundSync.Again(unreachable), session { throw unreachable }.syncInBackground(1.minutes))
        val not = ApiException.NotEnrolled("enrol first")
        assertEquals(BackgroundSync.Stopped(not), session { throw not }.syncInBackground(1.minutes))
    }
}
