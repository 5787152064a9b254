package org.bedside

import java.io.File
import java.util.concurrent.TimeUnit
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

class StoryTest {
    private val before = objectsAlive()
    private val world = World()

    @AfterEach
    fun `nothing native is left`() {
        world.close()
        assertEquals(before, objectsAlive())
    }

    private suspend fun ward(story: suspend (nurse: Device, doctor: Device, plan: PlanId) -> Unit) {
        world.organisation("Riverside", "RX1").use { admin ->
            world.colleague(admin, "nurse", Role.NURSE).use { nurse ->
                world.colleague(admin, "doctor", Role.DOCTOR).use { doctor ->
                    val plan = nurse.startPlan(jane()).plan
                    converge(nurse, doctor)
                    story(nurse, doctor, plan)
                }
            }
        }
    }

    @Test
    fun `two who wrote apart are both kept, in conflict until a doctor resolves it, and then it is approved`() = runBlocking {
        ward { nurse, doctor, plan ->
            // Each without the other: words, and a decision.
            nurse.edit(plan) {
                setText("wishes.about_me", "I taught music.")
                decide(Section.CPR, cprDecision("recommended", "she wants it"), false)
            }
            doctor.edit(plan) {
                setText("wishes.most_fear", "Being alone at night.")
                decide(Section.CPR, cprDecision("not-recommended", "would not work"), false)
            }
            converge(nurse, doctor)
            for (device in listOf(nurse, doctor)) {
                val view = device.plan(plan)
                assertEquals(listOf("I taught music."), view.words("wishes.about_me"))
                assertEquals(listOf("Being alone at night."), view.words("wishes.most_fear"))
                assertTrue(view.cpr().inConflict)
                assertEquals(2, view.cpr().decisions.size)
            }
            assertEquals(1UL, doctor.worklistCounts().inConflict)

            doctor.draft(plan).use { draft ->
                val decision = cprDecision("not-recommended", "looked at both")
                assertThrows(ApiException.NotAllowed::class.java) { draft.decide(Section.CPR, decision, false) }
                draft.decide(Section.CPR, decision, true)
                draft.commit()
            }
            val seen = doctor.plan(plan)
            assertFalse(seen.cpr().inConflict)
            doctor.approve(plan, emptyList(), seen.version, null)
            converge(nurse, doctor)
            assertEquals("approved", nurse.plan(plan).cpr().review.state)
            assertTrue(nurse.export(plan, ExportFormat.TEXT).contains("CPR not recommended"))
            assertEquals(nurse.receipts(plan).saved, nurse.receipts(plan).sent)
        }
    }

    @Test
    fun `a change arrives from the relay by itself`() = runBlocking {
        ward { nurse, doctor, plan ->
            doctor.foreground()
            withTimeout(LONG_MS) { doctor.syncStatuses().first { it == SyncStatus.InStep(live = true) } }
            val arrives = async(Dispatchers.IO) {
                doctor.awaitPlan(plan) { "By the window." in it.words("wishes.about_me") }
            }
            nurse.edit(plan) { setText("wishes.about_me", "By the window.") }
            nurse.sync()
            arrives.await()
            doctor.background()
            withTimeout(LONG_MS) { doctor.syncStatuses().first { it == SyncStatus.Offline } }
        }
    }

    @Test
    fun `whoever stops listening hears nothing more, and a listener that throws disturbs nobody`() = runBlocking {
        ward { nurse, _, plan ->
            val throws = nurse.subscribe(
                object : Observer {
                    override fun told(event: Event): Unit = error("a defect of the app")
                },
            )
            val heard = mutableListOf<Event>()
            val listening = launch(Dispatchers.IO) { nurse.events().collect { heard += it } }
            withTimeout(LONG_MS) { nurse.events().first() }
            nurse.edit(plan) { setText("wishes.about_me", "first") }
            nurse.awaitPlan(plan) { "first" in it.words("wishes.about_me") }
            listening.cancelAndJoin()
            val count = heard.size
            nurse.edit(plan) { setText("wishes.about_me", "second") }
            withTimeout(LONG_MS) { nurse.events().first() }
            assertEquals(count, heard.size)
            throws.use { it.cancel() }
        }
    }

    @Test
    fun `a locked device says so, a wrong PIN is counted, and the right one opens it`() = runBlocking {
        ward { nurse, _, plan ->
            nurse.lock()
            assertThrows(ApiException.Locked::class.java) { nurse.plan(plan) }
            val wrong = assertThrows(ApiException.WrongPin::class.java) { nurse.unlock("000000") }
            assertEquals(9u, wrong.attemptsLeft)
            assertTrue(wrong.toString().startsWith("wrong PIN; 9 more"), wrong.toString())
            assertFalse(nurse.unlockRemembered())
            nurse.unlock(PIN)
            nurse.plan(plan)
            nurse.changePin(PIN, Pin("314159"))
            nurse.lock()
            nurse.unlock(Pin("314159"))
            assertEquals("nurse", nurse.identity()?.name)
        }
    }

    @Test
    fun `a suspended device holds no file, and another may have them meanwhile`() = runBlocking {
        ward { nurse, _, plan ->
            assertThrows(ApiException.InUse::class.java) {
                world.reopen("nurse").use { it.unlock(DIGITS) }
            }
            nurse.lock()
            nurse.suspend()
            world.reopen("nurse").use { other ->
                other.unlock(PIN)
                other.edit(plan) { setText("wishes.about_me", "from the other") }
            }
            nurse.foreground()
            nurse.unlock(PIN)
            assertEquals(listOf("from the other"), nurse.plan(plan).words("wishes.about_me"))
            assertEquals(0UL, nurse.sync().unsent)
        }
    }

    @Test
    fun `a relay out of reach loses nothing, and a sync that is cancelled ends`() = runBlocking {
        ward { nurse, doctor, plan ->
            world.stopRelay()
            nurse.edit(plan) { setText("wishes.about_me", "kept") }
            val error = runCatching { nurse.sync() }.exceptionOrNull()
            assertTrue(error is ApiException.Unreachable, "$error")
            assertTrue(nurse.status().unsent > 0UL)

            val invitation = nurse.invite(
                InviteSpec(name = "Jane Smith", role = Role.PERSON, plan = plan, hours = 1UL),
            )
            world.device("jane").use { person ->
                val waiting = launch(Dispatchers.IO) { person.enrol(invitation).collect {} }
                waiting.cancelAndJoin()
                assertTrue(waiting.isCancelled)
            }
            world.startRelay()
            converge(nurse, doctor)
            assertEquals(listOf("kept"), doctor.plan(plan).words("wishes.about_me"))
        }
    }

    @Test
    fun `many threads read and write at once`() = runBlocking {
        ward { nurse, _, plan ->
            val work = (1..8).map { worker ->
                async(Dispatchers.IO) {
                    repeat(10) { turn ->
                        nurse.edit(plan) { setText("wishes.about_me", "worker $worker, turn $turn") }
                        nurse.plan(plan)
                        nurse.search("smi")
                        nurse.worklist(Worklist.ALL, null, 50u)
                        nurse.status()
                    }
                }
            }
            val syncing = launch(Dispatchers.IO) { repeat(5) { nurse.sync() } }
            work.awaitAll()
            syncing.join()
            assertEquals(0UL, nurse.sync().unsent)
            assertEquals(80, nurse.fieldHistory(plan, "wishes.about_me").size)
        }
    }

    @Test
    fun `plans come across page by page, each once and in order`() = runBlocking {
        world.organisation("Riverside", "RX1").use { admin ->
            world.colleague(admin, "nurse", Role.NURSE).use { nurse ->
                val numbers = nhsNumbers().take(60).toList()
                numbers.forEach { nurse.startPlan(jane(it)) }
                val listed = nurse.allPlans(pageSize = 7u).map { it.nhsNumber }.toList()
                assertEquals(numbers.sorted(), listed.sorted())
                assertEquals(60, nurse.watch { allPlans().count() }.first())
            }
        }
    }

    @Test
    fun `a process killed in mid-sync opens again with everything that was said to be saved`() = runBlocking {
        ward { nurse, doctor, plan ->
            nurse.lock()
            nurse.suspend()
            val child = ProcessBuilder(
                File(System.getProperty("java.home"), "bin/java").path,
                "-cp", System.getProperty("java.class.path"),
                "-Djna.library.path=${System.getProperty("jna.library.path")}",
                "org.bedside.WriterKt", world.directory("nurse"), world.directory("nurse-keys"), plan,
            ).redirectError(File(world.folder, "child.log")).start()
            val lines = child.inputStream.bufferedReader()
            var saved = 0
            while (saved < 20) {
                val line = lines.readLine() ?: error(File(world.folder, "child.log").readText())
                saved = line.removePrefix("saved ").toInt()
            }
            child.toHandle().destroyForcibly()
            // What was still in the pipe was saved as well.
            lines.forEachLine { saved = it.removePrefix("saved ").toInt() }
            assertTrue(child.waitFor(1, TimeUnit.MINUTES))

            nurse.resume()
            nurse.unlock(PIN)
            val kept = nurse.plan(plan).words("wishes.about_me").single().removePrefix("version ").toInt()
            assertTrue(kept >= saved, "$saved were said to be saved, $kept is here")
            converge(nurse, doctor)
            assertEquals(listOf("version $kept"), doctor.plan(plan).words("wishes.about_me"))
        }
    }

    @Test
    fun `a key store of the app is asked, and what it throws is said`() = runBlocking {
        val store = MemoryKeyStore()
        Device.create(world.directory("phone"), store, PIN).use { it.suspend() }
        assertEquals(setOf("device-secret", "transport-key"), store.secrets.keys)
        store.open = false
        val error = assertThrows(ApiException.KeyStore::class.java) { Device.open(world.directory("phone"), store) }
        assertTrue(error.why.contains("the screen is locked"), error.why)
        store.open = true
        Device.open(world.directory("phone"), store).use { it.unlock(PIN) }
    }

    @Test
    fun `nothing of a person is printed by accident`() = runBlocking {
        ward { nurse, _, plan ->
            val row = nurse.search(JANE).single().plan
            assertEquals("PlanRow(withheld)", row.toString())
            assertEquals("PlanView(withheld)", nurse.plan(plan).toString())
            assertEquals("Pin(withheld)", PIN.toString())
            assertEquals("Answer(withheld)", Answer.Text("I taught music.").toString())
        }
    }
}

/** A key store that the platform closes and opens. */
class MemoryKeyStore : KeyStore {
    val secrets = java.util.concurrent.ConcurrentHashMap<String, ByteArray>()

    @Volatile
    var open = true

    private fun check() {
        if (!open) throw KeyStoreException.Unavailable("the screen is locked")
    }

    override fun load(name: String): ByteArray? = check().let { secrets[name] }

    override fun save(name: String, secret: ByteArray) = check().also { secrets[name] = secret }

    override fun delete(name: String) = check().also { secrets.remove(name) }
}

/** NHS numbers from the range that is never issued, with their check digit. */
fun nhsNumbers(): Sequence<String> = generateSequence(999_000_000) { it + 1 }.mapNotNull { nine ->
    val sum = nine.toString().mapIndexed { at, digit -> (10 - at) * digit.digitToInt() }.sum()
    (11 - sum % 11).let { if (it == 11) 0 else it }.takeIf { it != 10 }?.let { "$nine$it" }
}
