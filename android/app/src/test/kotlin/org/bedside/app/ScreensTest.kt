package org.bedside.app

import androidx.compose.runtime.Composable
import androidx.compose.ui.ImageComposeScene
import org.bedside.Alert
import org.bedside.ApiException
import org.bedside.AsOfView
import org.bedside.Banner
import org.bedside.By
import org.bedside.ControlView
import org.bedside.DecisionView
import org.bedside.FieldView
import org.bedside.Found
import org.bedside.IdentityRow
import org.bedside.PlanRow
import org.bedside.PlanView
import org.bedside.Receipts
import org.bedside.ReviewView
import org.bedside.SectionView
import org.bedside.SyncStatus
import org.bedside.ValueView
import org.jetbrains.skia.Bitmap
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

private fun by(author: String) = By(author, "doctor", "Riverside", "RX1", null, null, "10-Nov-2026", "00")

private fun field(key: String, label: String, text: String) = FieldView(
    key, label, listOf(ValueView(text, "text", null, null, null, "person", null, false, null, emptyList())),
)

private fun decision(entry: String, text: String, author: String) = DecisionView(
    entry, listOf(field("cpr.decision", "Decision", text)), emptyList(), by(author), false, emptyList(), false, true,
)

private fun section(
    number: Int,
    name: String,
    fields: List<FieldView> = emptyList(),
    decisions: List<DecisionView> = emptyList(),
) = SectionView(
    number.toUByte(), name, name, fields, emptyList(), decisions, decisions.size > 1, 0u, ReviewView("not-reviewed", null, null),
)

private fun jane(vararg sections: SectionView) = PlanView(
    kind = "full", version = "1",
    banner = Banner(
        "SMITH", "Jane", "Mrs", "01-Jan-1940", "1940-01-01", 86, "Female", "900 000 0009", false, false, null, null, null,
        listOf("SMITH, Jane (Mrs)", "born 01-Jan-1940 (86y)", "Female", "NHS No. 900 000 0009"),
    ),
    glass = null,
    asOf = AsOfView(null, null, "not checked with the relay yet"),
    control = ControlView("in-use", "Not approved", null, null, null, null, null, null, null, null),
    alerts = listOf(Alert("conflict", "danger", "Two decisions on CPR stand", "Ask a clinician to resolve it")),
    consents = emptyList(), sections = sections.toList(), held = 0u, waiting = 0u, unreadable = 0u, leftOut = 0u,
)

private val row = PlanRow(
    plan = "p", family = "SMITH", given = "Jane", born = "01-Jan-1940", nhsNumber = "9000000009", place = "Leeds",
    cpr = "CPR: in conflict", alerts = 1u, inConflict = true, held = 0u, changedAt = 0, status = "in-use", died = null,
    locked = false,
)

class ScreensTest {
    private val view = jane(
        section(7, "wishes", fields = listOf(field("wishes.about_me", "About me", "I taught music."))),
        section(9, "prognosis"),
        section(14, "cpr", decisions = listOf(decision("a", "Recommended", "Ann"), decision("b", "Not recommended", "Bob"))),
    )

    @Test
    fun `what is in conflict comes first, with both decisions and who made them`() {
        val shown = shown(view)
        assertEquals(listOf("cpr", "wishes"), shown.map { it.name })
        val blocks = shown.first().decisions.map { it.lines.single().values.single() to it.by }
        assertEquals(
            listOf("Recommended" to "Ann, doctor, 10-Nov-2026", "Not recommended" to "Bob, doctor, 10-Nov-2026"),
            blocks,
        )
    }

    @Test
    fun `an NHS number is spaced and never breaks`() {
        assertEquals("900\u00a0000\u00a00009", spaced("9000000009"))
        assertEquals("", spaced(""))
    }

    @Test
    fun `how far something has got is three words`() {
        assertEquals("3 saved, 2 sent, 1 seen", progress(Receipts(3u, 2u, 1u)))
        assertEquals("Trying again: the relay is away", words(SyncStatus.Retrying(0, "the relay is away")))
    }

    @Test
    fun `an error says what comes next`() {
        assertEquals(Remedy.EnterPin, remedy(ApiException.Locked("locked")))
        assertEquals(Remedy.Correct("cpr.reason"), remedy(ApiException.Invalid("wrong", "cpr.reason", "it is empty")))
        assertEquals(Remedy.Wait(7), remedy(ApiException.WrongPin("wrong", 4u, 7)))
    }

    private val shared = listOf(
        IdentityRow("01", "", canUnlock = true, here = false),
        IdentityRow("02", "Ben", canUnlock = true, here = false),
        IdentityRow("03", "Cathy", canUnlock = false, here = false),
    )

    @Test
    fun `a phone that several share asks who it is before it asks for a PIN`() {
        assertEquals(shared, (AppModel.locked(shared) as Screen.Who).people)
        assertEquals(null, (AppModel.locked(shared.take(1)) as Screen.Unlock).whose)
        val names = listOf("Whoever was here first", "Ben", "Cathy (PIN forgotten: keys are gone)")
        assertEquals(names, shared.map(::called))
        assertEquals(listOf("PIN of Ben", "Enter your PIN"), listOf(pinOf(shared[1]), pinOf(null)))
    }

    @Test
    fun `nothing of a person is printed by accident`() {
        assertEquals("ShownSection(withheld)", shown(view).first().toString())
    }

    /** Puts a screen on a phone's 360 by 780 points and counts the colours that it draws in. */
    private fun drawn(screen: @Composable () -> Unit): Int {
        val scene = ImageComposeScene(360, 780) { screen() }
        try {
            val picture = Bitmap.makeFromImage(scene.render())
            val points = (0 until picture.width).flatMap { x -> (0 until picture.height).map { x to it } }
            return points.map { (x, y) -> picture.getColor(x, y) }.toSet().size
        } finally {
            scene.close()
        }
    }

    @Test
    fun `every screen draws without a device`() {
        val screens: List<@Composable () -> Unit> = listOf(
            { PinScreen("Enter your PIN", "Unlock", {}, {}) },
            { WhoScreen(shared) {} },
            { EnrolScreen(null) {} },
            { PlansScreen("smi", listOf(Found(row, similar = true)), SyncStatus.InStep(true), {}, {}, {}) },
            { PlanScreen(Screen.Plan("p", view, Receipts(3u, 2u, 1u)), SyncStatus.Offline, {}, {}) },
            { EditScreen(Screen.Edit("p", view, AppModel.writable().first(), "words"), {}, {}) },
        )
        for (screen in screens) assertTrue(drawn(screen) > 2)
    }
}
