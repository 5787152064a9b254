package org.bedside.android

import android.content.Context
import androidx.work.BackoffPolicy
import androidx.work.Constraints
import androidx.work.CoroutineWorker
import androidx.work.ExistingPeriodicWorkPolicy
import androidx.work.ExistingWorkPolicy
import androidx.work.NetworkType
import androidx.work.OneTimeWorkRequestBuilder
import androidx.work.PeriodicWorkRequestBuilder
import androidx.work.WorkManager
import androidx.work.WorkerParameters
import java.util.concurrent.TimeUnit
import kotlin.time.Duration.Companion.minutes
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext

/** Gets in step with the relay while the app is off the screen; the device stays locked. Needs a [BedsideOwner]. */
class SyncWorker(context: Context, parameters: WorkerParameters) : CoroutineWorker(context, parameters) {
    override suspend fun doWork(): Result = withContext(Dispatchers.Main) {
        val session = (applicationContext as BedsideOwner).bedside.open() ?: return@withContext Result.success()
        when (session.syncInBackground(LIMIT)) {
            is BackgroundSync.Done -> Result.success()
            is BackgroundSync.Again -> Result.retry()
            is BackgroundSync.Stopped -> Result.failure()
        }
    }

    companion object {
        // The platform stops a worker after ten minutes.
        private val LIMIT = 9.minutes
        private const val REGULAR = "org.bedside.sync"
        private const val SOON = "org.bedside.sync-soon"

        /** About every quarter of an hour, when there is a network; with [unmetered], one that costs nothing. */
        fun schedule(context: Context, unmetered: Boolean) {
            val network = if (unmetered) NetworkType.UNMETERED else NetworkType.CONNECTED
            val request = PeriodicWorkRequestBuilder<SyncWorker>(15, TimeUnit.MINUTES)
                .setConstraints(
                    Constraints.Builder().setRequiredNetworkType(network).setRequiresBatteryNotLow(true).build(),
                )
                .setBackoffCriteria(BackoffPolicy.EXPONENTIAL, 1, TimeUnit.MINUTES)
                .build()
            WorkManager.getInstance(context)
                .enqueueUniquePeriodicWork(REGULAR, ExistingPeriodicWorkPolicy.UPDATE, request)
        }

        /** Once, as soon as there is a network: for a push message, which says "there is something" and nothing else. */
        fun soon(context: Context) {
            val request = OneTimeWorkRequestBuilder<SyncWorker>()
                .setConstraints(Constraints.Builder().setRequiredNetworkType(NetworkType.CONNECTED).build())
                .build()
            WorkManager.getInstance(context).enqueueUniqueWork(SOON, ExistingWorkPolicy.KEEP, request)
        }
    }
}
