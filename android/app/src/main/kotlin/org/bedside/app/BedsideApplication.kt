package org.bedside.app

import android.app.Application
import android.os.SystemClock
import android.util.Log
import kotlin.time.Duration.Companion.milliseconds
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import org.bedside.android.Bedside
import org.bedside.android.BedsideOwner
import org.bedside.android.SyncWorker
import org.bedside.android.deviceDirectory
import org.bedside.android.follow
import org.bedside.android.platformKeyStore

class BedsideApplication : Application(), BedsideOwner {
    private val scope = CoroutineScope(SupervisorJob() + Dispatchers.Main.immediate)

    override val bedside: Bedside by lazy {
        Bedside(
            directory = deviceDirectory(this),
            keyStore = platformKeyStore(this),
            scope = scope,
            elapsed = { SystemClock.elapsedRealtime().milliseconds },
            // The library's texts hold no personal data.
            failed = { Log.w("bedside", it.toString()) },
        )
    }

    val model: AppModel by lazy { AppModel(bedside, scope) }

    override fun onCreate() {
        super.onCreate()
        bedside.follow(this, scope)
        SyncWorker.schedule(this, unmetered = false)
    }
}
