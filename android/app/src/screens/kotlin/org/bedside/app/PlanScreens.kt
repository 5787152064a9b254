package org.bedside.app

import androidx.compose.foundation.clickable
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.lazy.LazyColumn
import androidx.compose.foundation.lazy.items
import androidx.compose.material3.Button
import androidx.compose.material3.Card
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.OutlinedTextField
import androidx.compose.material3.Surface
import androidx.compose.material3.Text
import androidx.compose.material3.TextButton
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.setValue
import androidx.compose.ui.Modifier
import androidx.compose.ui.unit.dp
import org.bedside.Alert
import org.bedside.AsOfView
import org.bedside.Banner
import org.bedside.FieldInfo
import org.bedside.SyncStatus

/** One plan: the banner, how old this is, what must be seen first, then the plan. The banner does not scroll away. */
@Composable
fun PlanScreen(plan: Screen.Plan, sync: SyncStatus, back: () -> Unit, edit: (FieldInfo) -> Unit) {
    val view = plan.view
    Column(verticalArrangement = Arrangement.spacedBy(8.dp)) {
        BannerView(view.banner)
        view.glass?.let { Text(it.text, color = MaterialTheme.colorScheme.error) }
        Freshness(view.asOf, view.control.statusText)
        Text("${progress(plan.receipts)} - ${words(sync)}", style = MaterialTheme.typography.labelMedium)
        LazyColumn(Modifier.weight(1f), verticalArrangement = Arrangement.spacedBy(12.dp)) {
            items(view.alerts) { AlertView(it) }
            items(shown(view), key = { it.name }) { SectionBlock(it, writable(it), edit) }
            items(empty(view.sections.map { it.name }.toSet(), shown(view))) { field ->
                TextButton({ edit(field) }) { Text("Write: ${field.label}") }
            }
        }
        TextButton(back) { Text("All plans") }
    }
}

/** Who this is about: before everything else, each part whole. A death changes how it looks. */
@Composable
fun BannerView(banner: Banner) {
    val colours = MaterialTheme.colorScheme
    Surface(
        color = if (banner.deceased) colours.inverseSurface else colours.primaryContainer,
        modifier = Modifier.fillMaxWidth(),
    ) {
        Column(Modifier.padding(12.dp)) {
            banner.parts.forEachIndexed { index, part ->
                // A name breaks between words when it has to; nothing else does.
                Text(if (index == 0) part else part.replace(' ', '\u00a0'), style = MaterialTheme.typography.titleMedium)
            }
            banner.deathNotice?.let { Text("Reported to have died: $it") }
        }
    }
}

@Composable
private fun Freshness(asOf: AsOfView, status: String) {
    Text(asOf.text)
    Text(status)
}

@Composable
private fun AlertView(alert: Alert) {
    val colours = MaterialTheme.colorScheme
    Surface(color = if (alert.severity == "danger") colours.errorContainer else colours.secondaryContainer) {
        Column(Modifier.fillMaxWidth().padding(12.dp)) {
            Text(alert.text, style = MaterialTheme.typography.titleSmall)
            Text(alert.action)
        }
    }
}

@Composable
private fun SectionBlock(section: ShownSection, writable: Map<String, FieldInfo>, edit: (FieldInfo) -> Unit) {
    Column(verticalArrangement = Arrangement.spacedBy(4.dp)) {
        Text(section.title, style = MaterialTheme.typography.titleMedium)
        if (section.inConflict) {
            Text("IN CONFLICT: both stand until a clinician resolves it", color = MaterialTheme.colorScheme.error)
        }
        // Side by side within the screen: one that has to be scrolled to may not be seen.
        section.decisions.chunked(2).forEach { pair ->
            Row(horizontalArrangement = Arrangement.spacedBy(8.dp)) {
                pair.forEach { DecisionCard(it, Modifier.weight(1f)) }
            }
        }
        section.lines.forEach { line ->
            val field = writable[line.key]
            LineView(line, if (field == null) Modifier else Modifier.clickable { edit(field) })
        }
    }
}

@Composable
private fun DecisionCard(block: ShownSection.Block, modifier: Modifier) {
    Card(modifier) {
        Column(Modifier.padding(12.dp)) {
            block.lines.forEach { LineView(it, Modifier) }
            Text(block.by, style = MaterialTheme.typography.labelMedium)
        }
    }
}

/** All of an answer, and all answers that stand beside each other: nothing is shortened. */
@Composable
private fun LineView(line: ShownSection.Line, modifier: Modifier) {
    Column(modifier) {
        Text(line.label, style = MaterialTheme.typography.labelMedium)
        line.values.forEach { Text(it) }
    }
}

/** Writes words into one field, under the banner of whom they are about. */
@Composable
fun EditScreen(edit: Screen.Edit, back: () -> Unit, save: (String) -> Unit) {
    var text by remember(edit.field.key) { mutableStateOf(edit.text) }
    Column(verticalArrangement = Arrangement.spacedBy(12.dp)) {
        BannerView(edit.view.banner)
        OutlinedTextField(
            value = text,
            onValueChange = { text = it },
            label = { Text(edit.field.label) },
            modifier = Modifier.fillMaxWidth(),
        )
        Row(horizontalArrangement = Arrangement.spacedBy(8.dp)) {
            Button({ save(text) }, enabled = text != edit.text) { Text("Save") }
            TextButton(back) { Text("Do not save") }
        }
    }
}

private fun writable(section: ShownSection): Map<String, FieldInfo> {
    val keys = section.lines.map { it.key }.toSet()
    return AppModel.writable().filter { it.key in keys }.associateBy { it.key }
}

/** Fields that have no answer yet. */
private fun empty(sections: Set<String>, shown: List<ShownSection>): List<FieldInfo> {
    val answered = shown.flatMap { section -> section.lines.map { it.key } }.toSet()
    return if (sections.isEmpty()) emptyList() else AppModel.writable().filterNot { it.key in answered }
}
