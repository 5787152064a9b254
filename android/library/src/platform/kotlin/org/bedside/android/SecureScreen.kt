package org.bedside.android

import android.app.Activity
import android.os.Build
import android.view.WindowManager.LayoutParams.FLAG_SECURE

/**
 * Keeps what is on the screen off screenshots, recordings, casts and the task switcher. Call it in `onCreate` of every activity
 * that can show a plan, before its content is set.
 */
fun Activity.secureScreen() {
    window.setFlags(FLAG_SECURE, FLAG_SECURE)
    if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.TIRAMISU) setRecentsScreenshotEnabled(false)
}
