package org.bedside

import java.io.File
import java.net.ServerSocket
import java.nio.file.Files
import java.util.concurrent.TimeUnit
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.onEach
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.withTimeout

const val DIGITS = "271828"
val PIN = Pin(DIGITS)

/** NHS numbers that are never issued. */
const val JANE = "9000000009"

/** Whatever is waited for has come by then, or never comes. */
const val LONG_MS = 60_000L

/** A network for one test: a relay in a process of its own, and devices in folders of their own. */
class World : AutoCloseable {
    val folder: File = Files.createTempDirectory("bedside").toFile()
    private val port = ServerSocket(0).use { it.localPort }
    private val network = File(folder, "network.bedside")
    private val root: String
    private var relay: Process? = null
    private var made = 0

    init {
        val answer = bedside("network", "create", "--file", network.path, "--relay", "http://127.0.0.1:$port")
        root = Regex("\"root\":\"([0-9a-f]{64})\"").find(answer)!!.groupValues[1]
        startRelay()
    }

    fun startRelay() {
        val data = File(folder, "relay").path
        val process = ProcessBuilder(
            program("bedside-relay"), "serve", "--data", data, "--network-root", root,
            "--listen", "127.0.0.1:$port", "--plain-http",
        ).redirectError(File(folder, "relay.log")).start()
        relay = process
        val first = process.inputStream.bufferedReader().readLine()
        check(first?.startsWith("listening") == true) { File(folder, "relay.log").readText() }
    }

    fun stopRelay() {
        relay?.destroyForcibly()?.waitFor()
        relay = null
    }

    fun directory(name: String): String = File(folder, name).path

    fun keys(name: String): KeyStore = fileKeyStore(directory("$name-keys"))

    /** A device that belongs to nobody yet. */
    fun device(name: String): Device = Device.create(directory(name), keys(name), DIGITS)

    /** It again, after it was closed; locked. */
    fun reopen(name: String): Device = Device.open(directory(name), keys(name))

    /** An organisation that has joined, and its administrator's device. */
    suspend fun organisation(name: String, ods: String): Device {
        val admin = device("admin-$ods")
        val number = made++
        val request = File(folder, "$number.request").apply { writeBytes(admin.requestOrganisation(name, ods)) }
        val charter = File(folder, "$number.charter")
        bedside("network", "sign", "--file", network.path, "--request", request.path, "--out", charter.path)
        admin.acceptCharter(charter.readBytes(), "Admin of $name")
        admin.sync()
        return admin
    }

    /** A colleague with a device. */
    suspend fun colleague(admin: Device, name: String, role: Role): Device =
        device(name).also { enrol(admin, it, InviteSpec(name = name, role = role, hours = 24UL)) }

    /** Enrols a device by an invitation from another; returns the steps it went through. */
    suspend fun enrol(issuer: Device, device: Device, spec: InviteSpec): List<EnrolStep> = coroutineScope {
        val invitation = issuer.invite(spec)
        issuer.sync()
        val answered = kotlinx.coroutines.CompletableDeferred<Unit>()
        val steps = async(Dispatchers.IO) {
            device.enrol(invitation).onEach { if (it == EnrolStep.WAITING) answered.complete(Unit) }.toList()
        }
        answered.await()
        issuer.sync()
        withTimeout(LONG_MS) { steps.await() }
    }

    /** Runs the project's own client, as an operator would. */
    private fun bedside(vararg arguments: String): String {
        val command = listOf(program("bedside"), "--json") + arguments
        val process = ProcessBuilder(command).redirectErrorStream(true).apply {
            environment()["BEDSIDE_HOME"] = directory("operator")
            environment()["BEDSIDE_PASSPHRASE"] = "correct horse battery"
        }.start()
        val said = process.inputStream.bufferedReader().readText()
        check(process.waitFor(1, TimeUnit.MINUTES) && process.exitValue() == 0) { said }
        return said
    }

    override fun close() {
        stopRelay()
        folder.deleteRecursively()
    }
}

fun program(name: String): String = File(System.getProperty("bedside.programs"), name).path

fun given(note: String) = ConsentSpec(Outcome.GIVEN, note)

fun jane(nhsNumber: String = JANE) =
    NewPlan(nhsNumber = nhsNumber, record = given("She said yes"), share = given("With whoever comes to the house"))

/** Two rounds: what the first to sync lacks may be what the last one has. */
suspend fun converge(vararg devices: Device) = repeat(2) { devices.forEach { it.sync() } }

/** What stands in a field of the plan's document, one answer or several. */
fun PlanView.words(key: String): List<String> =
    sections.flatMap { it.fields }.filter { it.key == key }.flatMap { it.values }.map { it.text }

fun PlanView.cpr(): SectionView = sections.single { it.name == "cpr" }

/** A choice of a field, by its token. */
fun choice(key: String, token: String): Answer {
    val kind = fields().single { it.key == key }.kind as FieldKind.One
    return kind.choices.single { it.token == token }.answer
}

fun cprDecision(token: String, reason: String): List<Decided> = listOf(
    Decided("cpr.decision", choice("cpr.decision", token) heardFrom Source.OBSERVED),
    Decided("cpr.reason", Answer.Text(reason) heardFrom Source.OBSERVED),
)

suspend fun Device.awaitPlan(plan: PlanId, wanted: (PlanView) -> Boolean): PlanView =
    withTimeout(LONG_MS) { planViews(plan).first(wanted) }
