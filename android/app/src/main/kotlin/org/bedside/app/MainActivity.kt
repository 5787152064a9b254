package org.bedside.app

import android.os.Bundle
import androidx.activity.ComponentActivity
import androidx.activity.compose.BackHandler
import androidx.activity.compose.setContent
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.safeDrawingPadding
import androidx.compose.runtime.collectAsState
import androidx.compose.runtime.getValue
import androidx.compose.ui.Modifier
import org.bedside.android.BiometricCheck
import org.bedside.android.secureScreen

class MainActivity : ComponentActivity() {
    private val model by lazy { (application as BedsideApplication).model }

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        secureScreen()
        setContent {
            val screen by model.screen.collectAsState()
            BackHandler(enabled = screen is Screen.Plan || screen is Screen.Edit || (screen as? Screen.Unlock)?.whose != null) { model.back() }
            Box(Modifier.safeDrawingPadding()) { BedsideScreens(model) }
        }
    }

    override fun onStart() {
        super.onStart()
        model.check = BiometricCheck(this)
    }

    override fun onStop() {
        model.check = null
        super.onStop()
    }

    override fun onUserInteraction() {
        super.onUserInteraction()
        model.touched()
    }
}
