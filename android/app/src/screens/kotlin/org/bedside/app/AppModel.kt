package org.bedside.app

import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import org.bedside.ApiException
import org.bedside.Device
import org.bedside.Draft
import org.bedside.EnrolStep
import org.bedside.FieldInfo
import org.bedside.FieldKind
import org.bedside.Found
import org.bedside.IdentityRow
import org.bedside.Pin
import org.bedside.PlanId
import org.bedside.PlanView
import org.bedside.Receipts
import org.bedside.SyncStatus
import org.bedside.android.Bedside
import org.bedside.android.PersonCheck
import org.bedside.android.Proof
import org.bedside.android.Session
import org.bedside.enrol
import org.bedside.fields
import org.bedside.planViews
import org.bedside.syncStatuses
import org.bedside.watch

/** Where the app is. Nothing of a person is in the text of any. */
sealed interface Screen {
    /** This phone is no device yet. */
    data object Welcome : Screen

    /** Several people share this phone: whose PIN it is, before it is asked for. */
    class Who(val people: List<IdentityRow>) : Screen

    /** The PIN of one of several who share this phone; none where there is one person only. */
    class Unlock(val whose: IdentityRow?) : Screen

    /** The device belongs to nobody yet. */
    data class Enrol(val step: EnrolStep?) : Screen

    class Plans(val searched: String, val rows: List<Found>) : Screen

    class Plan(val plan: PlanId, val view: PlanView, val receipts: Receipts) : Screen

    class Edit(val plan: PlanId, val view: PlanView, val field: FieldInfo, val text: String) : Screen
}

/** What the screens show and what they can do. Made and called on the main thread. */
class AppModel(private val bedside: Bedside, private val scope: CoroutineScope) {
    private val at = MutableStateFlow<Screen>(Screen.Welcome)
    private val said = MutableStateFlow<String?>(null)
    private val status = MutableStateFlow<SyncStatus>(SyncStatus.Offline)
    private var shown: Job? = null
    private var draft: Draft? = null

    /** What is on the screen. */
    val screen: StateFlow<Screen> = at.asStateFlow()

    /** What went wrong, in words for people; none when nothing did. */
    val problem: StateFlow<String?> = said.asStateFlow()

    /** How things are between this device and the relay. */
    val sync: StateFlow<SyncStatus> = status.asStateFlow()

    /** Asks for a finger or a face; none where there is no activity to ask in. */
    var check: PersonCheck? = null

    private val session: Session? get() = bedside.session.value
    private val device: Device get() = checkNotNull(session) { "a screen behind the PIN needs a device" }.device

    init {
        attempt { bedside.open()?.let(::follow) }
    }

    fun create(pin: Pin) = attempt {
        follow(bedside.create(pin))
    }

    /** Whoever it is that is about to unlock. */
    fun choose(person: IdentityRow) {
        at.value = Screen.Unlock(person)
    }

    fun unlock(whose: IdentityRow?, pin: Pin) = attempt {
        if (whose == null) session?.unlock(pin) else session?.unlockAs(whose.id, pin)
    }

    /** Opens without a PIN when the person allowed it before and proves who they are now. */
    fun unlockRemembered() = attempt {
        if (check?.ask("Unlock Bedside", "Use the PIN") == Proof.GIVEN) session?.unlockRemembered()
    }

    fun lock() {
        session?.lock()
    }

    fun touched() {
        session?.touched()
    }

    fun enrol(invitation: String) = show {
        device.enrol(invitation.trim()).collect { at.value = Screen.Enrol(it) }
        search("")
    }

    fun search(text: String) = show {
        device.watch { if (text.isBlank()) plans(null, PAGE).rows.map { Found(it, similar = false) } else search(text) }
            .collect { at.value = Screen.Plans(text, it) }
    }

    fun open(plan: PlanId) = show {
        device.planViews(plan).collect { at.value = Screen.Plan(plan, it, device.receipts(plan)) }
    }

    /** Begins to write in a field of text; what stands there now is what the draft builds on. */
    fun edit(from: Screen.Plan, field: FieldInfo) = attempt {
        shown?.cancel()
        forgetDraft()
        draft = device.draft(from.plan)
        val now = from.view.sections.flatMap { it.fields }.find { it.key == field.key }?.values?.singleOrNull()
        at.value = Screen.Edit(from.plan, from.view, field, now?.text.orEmpty())
    }

    /** Saves: durable here when the page shows it. What cannot be saved stays on the screen with the reason. */
    fun save(edit: Screen.Edit, text: String) = attempt {
        withContext(Dispatchers.IO) {
            draft?.apply {
                setText(edit.field.key, text)
                commit()
            }
        }
        forgetDraft()
        open(edit.plan)
    }

    fun back() {
        when (val now = at.value) {
            is Screen.Edit -> {
                forgetDraft()
                open(now.plan)
            }
            is Screen.Plan -> search("")
            is Screen.Unlock -> at.value = locked(device.identities())
            else -> Unit
        }
    }

    /** Whoever read it has read it. */
    fun dismiss() {
        said.value = null
    }

    private fun follow(session: Session) {
        session.foreground()
        scope.launch { session.device.syncStatuses().collect { status.value = it } }
        scope.launch { session.unlocked.collect { open -> if (open) arrive() else leave() } }
    }

    private fun arrive() {
        if (device.identity() == null) at.value = Screen.Enrol(null) else search("")
    }

    private fun leave() {
        shown?.cancel()
        forgetDraft()
        at.value = locked(device.identities())
    }

    private fun forgetDraft() {
        draft?.close()
        draft = null
    }

    /** One screen at a time: what the last one watched is let go of. */
    private fun show(work: suspend () -> Unit) {
        shown?.cancel()
        shown = attempt(work)
    }

    private fun attempt(work: suspend () -> Unit): Job = scope.launch {
        try {
            work()
        } catch (error: ApiException) {
            said.value = error.toString()
            if (remedy(error) == Remedy.EnterPin) lock()
        }
    }

    companion object {
        private const val PAGE = 50u

        /** What a locked phone shows: of several people, whose PIN it is. */
        fun locked(people: List<IdentityRow>): Screen = if (people.size > 1) Screen.Who(people) else Screen.Unlock(null)

        /** The fields that a person can write words into on the page of a section. */
        fun writable(): List<FieldInfo> = fields().filter { it.kind is FieldKind.Text && it.list == null }
    }
}
