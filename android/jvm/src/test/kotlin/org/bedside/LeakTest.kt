package org.bedside

import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import java.io.File

class LeakTest {
    @Test
    fun `a device opened and closed over and over leaves nothing behind`() = runBlocking {
        World().use { world ->
            val before = objectsAlive()
            world.device("phone").use { it.suspend() }
            fun cycle() = world.reopen("phone").use { device ->
                assertEquals(before + 1, objectsAlive(), "a device that is open is counted")
                device.subscribe(
                    object : Observer {
                        override fun told(event: Event) = Unit
                    },
                ).close()
                Cancel().close()
                device.status()
            }
            repeat(50) { cycle() }
            val (warm, threads) = residentKiB() to threads()
            repeat(200) { cycle() }
            assertEquals(before, objectsAlive())
            val grown = residentKiB() - warm
            assertTrue(grown < 200 * CYCLE_KIB_MAX, "$grown KiB more after 200 cycles")
            assertTrue(threads() <= threads + 10, "${threads()} threads, $threads before")
        }
    }

    private fun threads() = File("/proc/self/task").list()!!.size

    private companion object {
        /** A leaked database connection alone has more. */
        const val CYCLE_KIB_MAX = 64
    }
}

fun residentKiB(): Long {
    System.gc()
    return File("/proc/self/status").readLines().first { it.startsWith("VmRSS") }.filter(Char::isDigit).toLong()
}
