package org.bedside.android

import java.io.File
import kotlin.time.Duration
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import org.bedside.ApiException
import org.bedside.Device
import org.bedside.KeyStore
import org.bedside.Pin
import org.bedside.create

/**
 * The one device of an app's process. Keep it in the `Application`: a directory is open once only.
 *
 * @param directory in the app's `noBackupFilesDir`, so that no backup and no transfer to a new phone takes it along.
 */
class Bedside(
    private val directory: File,
    private val keyStore: KeyStore,
    private val scope: CoroutineScope,
    private val elapsed: () -> Duration,
    private val failed: (ApiException) -> Unit,
    private val rules: LockRules = LockRules(),
) {
    private val current = MutableStateFlow<Session?>(null)

    /** None before this phone was made a device. */
    val session: StateFlow<Session?> = current.asStateFlow()

    /** Opens the device, locked; none when there is none yet. */
    fun open(): Session? = current.value ?: try {
        begin(Device.open(directory.path, keyStore))
    } catch (_: ApiException.NotFound) {
        null
    }

    /** Makes this phone a device that belongs to nobody yet, unlocked. */
    suspend fun create(pin: Pin): Session {
        directory.mkdirs()
        return begin(Device.create(directory.path, keyStore, pin))
    }

    private fun begin(device: Device): Session =
        Session(device, scope, elapsed, failed, rules).also { current.value = it }
}

/** What an app's `Application` implements, so that a worker that the platform starts finds the device. */
interface BedsideOwner {
    val bedside: Bedside
}
