package org.bedside.app

import androidx.compose.foundation.clickable
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.heightIn
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.lazy.LazyColumn
import androidx.compose.foundation.lazy.items
import androidx.compose.foundation.text.KeyboardOptions
import androidx.compose.material3.AlertDialog
import androidx.compose.material3.Button
import androidx.compose.material3.Card
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.OutlinedTextField
import androidx.compose.material3.Surface
import androidx.compose.material3.Text
import androidx.compose.material3.TextButton
import androidx.compose.runtime.Composable
import androidx.compose.runtime.collectAsState
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.setValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.text.input.KeyboardType
import androidx.compose.ui.text.input.PasswordVisualTransformation
import androidx.compose.ui.unit.dp
import org.bedside.EnrolStep
import org.bedside.Found
import org.bedside.IdentityRow
import org.bedside.Pin
import org.bedside.PlanId
import org.bedside.SyncStatus

/** The whole app. */
@Composable
fun BedsideScreens(model: AppModel) {
    val screen by model.screen.collectAsState()
    val problem by model.problem.collectAsState()
    val sync by model.sync.collectAsState()
    MaterialTheme {
        Surface(Modifier.fillMaxSize()) {
            Column(Modifier.padding(16.dp)) {
                when (val now = screen) {
                    is Screen.Welcome -> PinScreen("Choose a PIN", "Make this phone a device", null, model::create)
                    is Screen.Who -> WhoScreen(now.people, model::choose)
                    is Screen.Unlock -> {
                        // A finger opens it as whoever asked for that, which on a shared phone may be somebody else.
                        val alone = now.whose == null && model.check != null
                        val withoutPin: (() -> Unit)? = if (alone) ({ model.unlockRemembered() }) else null
                        PinScreen(pinOf(now.whose), "Unlock", withoutPin) { model.unlock(now.whose, it) }
                    }
                    is Screen.Enrol -> EnrolScreen(now.step, model::enrol)
                    is Screen.Plans ->
                        PlansScreen(now.searched, now.rows, sync, model::search, model::open, model::lock)
                    is Screen.Plan -> PlanScreen(now, sync, model::back) { model.edit(now, it) }
                    is Screen.Edit -> EditScreen(now, model::back) { model.save(now, it) }
                }
            }
        }
        problem?.let { text ->
            AlertDialog(
                onDismissRequest = model::dismiss,
                confirmButton = { TextButton(model::dismiss) { Text("OK") } },
                text = { Text(text) },
            )
        }
    }
}

/** A name each, large enough for a thumb. Whose keys are gone is named, and cannot be chosen. */
@Composable
fun WhoScreen(people: List<IdentityRow>, chosen: (IdentityRow) -> Unit) {
    Column(verticalArrangement = Arrangement.spacedBy(12.dp)) {
        Text("Who are you?", style = MaterialTheme.typography.headlineSmall)
        LazyColumn(verticalArrangement = Arrangement.spacedBy(12.dp)) {
            items(people, key = { it.id }) { person ->
                Button(
                    enabled = person.canUnlock,
                    onClick = { chosen(person) },
                    modifier = Modifier.fillMaxWidth().heightIn(min = 56.dp),
                ) { Text(called(person)) }
            }
        }
    }
}

@Composable
fun PinScreen(title: String, action: String, withoutPin: (() -> Unit)?, entered: (Pin) -> Unit) {
    var digits by remember { mutableStateOf("") }
    Column(verticalArrangement = Arrangement.spacedBy(12.dp)) {
        Text(title, style = MaterialTheme.typography.headlineSmall)
        OutlinedTextField(
            value = digits,
            onValueChange = { typed -> digits = typed.filter(Char::isDigit) },
            label = { Text("PIN") },
            visualTransformation = PasswordVisualTransformation(),
            keyboardOptions = KeyboardOptions(keyboardType = KeyboardType.NumberPassword),
            singleLine = true,
        )
        Button(
            enabled = digits.isNotEmpty(),
            onClick = {
                entered(Pin(digits))
                digits = ""
            },
        ) { Text(action) }
        withoutPin?.let { TextButton(it) { Text("Use finger or face") } }
    }
}

@Composable
fun EnrolScreen(step: EnrolStep?, answered: (String) -> Unit) {
    var invitation by remember { mutableStateOf("") }
    Column(verticalArrangement = Arrangement.spacedBy(12.dp)) {
        Text("Join", style = MaterialTheme.typography.headlineSmall)
        Text(
            when (step) {
                null -> "Scan or paste the invitation that a colleague shows you."
                EnrolStep.WAITING -> "Asked. Whoever invited you has to be online once."
                EnrolStep.UNREACHABLE -> "The relay cannot be reached. It is tried again."
                EnrolStep.DONE -> "This device is yours."
            },
        )
        OutlinedTextField(invitation, { invitation = it }, label = { Text("Invitation") }, singleLine = true)
        Button({ answered(invitation) }, enabled = invitation.isNotBlank()) { Text("Join") }
    }
}

@Composable
fun PlansScreen(
    searched: String,
    rows: List<Found>,
    sync: SyncStatus,
    search: (String) -> Unit,
    open: (PlanId) -> Unit,
    lock: () -> Unit,
) {
    Column(verticalArrangement = Arrangement.spacedBy(8.dp)) {
        var text by remember { mutableStateOf(searched) }
        OutlinedTextField(
            value = text,
            onValueChange = {
                text = it
                search(it)
            },
            label = { Text("Name, NHS number or place") },
            singleLine = true,
            modifier = Modifier.fillMaxWidth(),
        )
        Row(
            horizontalArrangement = Arrangement.SpaceBetween,
            verticalAlignment = Alignment.CenterVertically,
            modifier = Modifier.fillMaxWidth(),
        ) {
            Text(words(sync), style = MaterialTheme.typography.labelMedium)
            TextButton(lock) { Text("Lock or hand over") }
        }
        if (rows.isEmpty()) Text(if (searched.isBlank()) "No plans on this device yet." else "No plan begins with that.")
        LazyColumn(verticalArrangement = Arrangement.spacedBy(8.dp)) {
            items(rows, key = { it.plan.plan }) { found -> PlanCard(found, open) }
        }
    }
}

/** Who first, then what there is to know before opening it. */
@Composable
private fun PlanCard(found: Found, open: (PlanId) -> Unit) {
    val row = found.plan
    Card(Modifier.fillMaxWidth().clickable { open(row.plan) }) {
        Column(Modifier.padding(12.dp)) {
            if (found.similar) Text("Only similar to what was typed", color = MaterialTheme.colorScheme.error)
            Row(horizontalArrangement = Arrangement.spacedBy(8.dp), verticalAlignment = Alignment.CenterVertically) {
                Text("${row.family}, ${row.given}", style = MaterialTheme.typography.titleMedium)
                Text(row.born)
            }
            Text("NHS No. ${spaced(row.nhsNumber)}")
            row.died?.let { Text("Died $it") }
            if (row.locked) {
                Text("Consent withdrawn: not shown here")
            } else {
                Text(row.cpr)
                if (row.inConflict) Text("IN CONFLICT", color = MaterialTheme.colorScheme.error)
            }
        }
    }
}

/** 3-3-4, with spaces at which no line breaks. */
fun spaced(nhsNumber: String): String =
    if (nhsNumber.length != 10) nhsNumber
    else listOf(nhsNumber.take(3), nhsNumber.substring(3, 6), nhsNumber.drop(6)).joinToString("\u00a0")
