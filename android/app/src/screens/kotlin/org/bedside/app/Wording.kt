package org.bedside.app

import org.bedside.ApiException
import org.bedside.FieldView
import org.bedside.IdentityRow
import org.bedside.ListView
import org.bedside.PlanView
import org.bedside.Receipts
import org.bedside.SectionView
import org.bedside.SyncStatus

/** How far what was written here has got, in three words. */
fun progress(receipts: Receipts): String =
    "${receipts.saved} saved, ${receipts.sent} sent, ${receipts.seen} seen"

/** How things are between this device and the relay, in a few words. */
fun words(status: SyncStatus): String = when (status) {
    is SyncStatus.Offline -> "Offline"
    is SyncStatus.Syncing -> "Getting in step"
    is SyncStatus.InStep -> if (status.live) "In step" else "In step when last asked"
    is SyncStatus.Retrying -> "Trying again: ${status.why}"
    is SyncStatus.DiskFull -> "This device is full: free some space"
    is SyncStatus.StorageFailed -> "This device's storage fails: ${status.what}"
    is SyncStatus.NotAdmitted -> "The relay does not know this device"
    is SyncStatus.UpdateNeeded -> "Update this app"
}

/** What somebody is called on a phone that several share. */
fun called(person: IdentityRow): String {
    val name = person.label.ifBlank { "Whoever was here first" }
    return if (person.canUnlock) name else "$name (PIN forgotten: keys are gone)"
}

/** Whose PIN is asked for. */
fun pinOf(person: IdentityRow?): String = if (person == null) "Enter your PIN" else "PIN of ${called(person)}"

/** What the app does after an error. */
sealed interface Remedy {
    data object EnterPin : Remedy

    data object Enrol : Remedy

    data class Wait(val until: Long?) : Remedy

    data class Correct(val field: String) : Remedy

    data object Tell : Remedy

    data object Update : Remedy

    data object Repair : Remedy
}

/** Exhaustive: a new kind of error does not compile. */
fun remedy(error: ApiException): Remedy = when (error) {
    is ApiException.Locked -> Remedy.EnterPin
    is ApiException.WrongPin -> Remedy.Wait(error.retryAt)
    is ApiException.Wait -> Remedy.Wait(error.until)
    is ApiException.KeysDestroyed, is ApiException.NotEnrolled -> Remedy.Enrol
    is ApiException.Invalid -> Remedy.Correct(error.what)
    is ApiException.Damaged -> Remedy.Repair
    is ApiException.UpdateApp -> Remedy.Update
    is ApiException.NotAllowed,
    is ApiException.NotFound,
    is ApiException.AlreadyThere,
    is ApiException.InUse,
    is ApiException.FreeSpace,
    is ApiException.Unreachable,
    is ApiException.Refused,
    is ApiException.SyncFirst,
    is ApiException.Cancelled,
    is ApiException.KeyStore,
    is ApiException.Bug,
    -> Remedy.Tell
}

/** One heading of a plan with what stands under it, as a screen shows it. */
data class ShownSection(
    val name: String,
    val title: String,
    val inConflict: Boolean,
    /** What stands. Decisions in conflict are as many blocks, to be shown side by side. */
    val decisions: List<Block>,
    val lines: List<Line>,
) {
    data class Block(val entry: String, val lines: List<Line>, val by: String)

    data class Line(val key: String, val label: String, val values: List<String>)

    override fun toString(): String = "ShownSection(withheld)"
}

/** What a plan's page shows under the banner and the alerts: sections in which something stands, those in conflict first. */
fun shown(view: PlanView): List<ShownSection> = view.sections.map(::section)
    .filter { it.decisions.isNotEmpty() || it.lines.isNotEmpty() }
    .sortedByDescending { it.inConflict }

private fun section(section: SectionView) = ShownSection(
    name = section.name,
    title = section.title,
    inConflict = section.inConflict,
    decisions = section.decisions.map {
        ShownSection.Block(it.entry, lines(it.fields, it.lists), "${it.by.author}, ${it.by.role}, ${it.by.day}")
    },
    lines = lines(section.fields, section.lists),
)

private fun lines(fields: List<FieldView>, lists: List<ListView>): List<ShownSection.Line> =
    fields.map { line(it, it.key) } + lists.flatMap { list ->
        list.items.filterNot { it.ended || it.inError }.flatMap { item ->
            item.fields.map { line(it, "${list.list}/${item.id}/${it.key}") }
        }
    }

private fun line(field: FieldView, key: String) = ShownSection.Line(key, field.label, field.values.map { it.text })
