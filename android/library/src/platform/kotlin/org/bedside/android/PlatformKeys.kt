package org.bedside.android

import android.app.KeyguardManager
import android.content.Context
import android.security.keystore.KeyGenParameterSpec
import android.security.keystore.KeyPermanentlyInvalidatedException
import android.security.keystore.KeyProperties.AUTH_BIOMETRIC_STRONG
import android.security.keystore.KeyProperties.BLOCK_MODE_GCM
import android.security.keystore.KeyProperties.ENCRYPTION_PADDING_NONE
import android.security.keystore.KeyProperties.KEY_ALGORITHM_AES
import android.security.keystore.KeyProperties.PURPOSE_DECRYPT
import android.security.keystore.KeyProperties.PURPOSE_ENCRYPT
import android.security.keystore.StrongBoxUnavailableException
import java.io.File
import java.security.GeneralSecurityException
import java.security.KeyStore
import java.security.UnrecoverableKeyException
import javax.crypto.KeyGenerator
import javax.crypto.SecretKey

/**
 * Keys in the Android Keystore, in the StrongBox where there is one.
 *
 * | key | can be used |
 * |---|---|
 * | `transport-key` | while the screen is locked, to sync |
 * | `device-secret` | while the screen is unlocked |
 * | `remembered-vault-key` | for [PROOF_SECONDS] after a strong biometric proof; never after another was enrolled |
 *
 * @param screenLock the phone has a PIN, a pattern or a password. Without one Android cannot tell a locked screen.
 */
class PlatformKeys(private val screenLock: Boolean) : SecretKeys {
    private val store = KeyStore.getInstance(PROVIDER).apply { load(null) }

    override fun find(name: String): SecretKey? = try {
        store.getKey(alias(name), null) as SecretKey?
    } catch (error: UnrecoverableKeyException) {
        if (isGone(error)) null else throw error
    }

    override fun make(name: String): SecretKey = try {
        generate(name, strongBox = true)
    } catch (_: StrongBoxUnavailableException) {
        generate(name, strongBox = false)
    }

    override fun forget(name: String) = store.deleteEntry(alias(name))

    override fun isGone(error: GeneralSecurityException): Boolean =
        generateSequence<Throwable>(error) { it.cause }.any { it is KeyPermanentlyInvalidatedException }

    private fun generate(name: String, strongBox: Boolean): SecretKey =
        KeyGenerator.getInstance(KEY_ALGORITHM_AES, PROVIDER).run {
            init(spec(name, strongBox))
            generateKey()
        }

    private fun spec(name: String, strongBox: Boolean): KeyGenParameterSpec =
        KeyGenParameterSpec.Builder(alias(name), PURPOSE_ENCRYPT or PURPOSE_DECRYPT).run {
            setBlockModes(BLOCK_MODE_GCM)
            setEncryptionPaddings(ENCRYPTION_PADDING_NONE)
            setKeySize(256)
            setIsStrongBoxBacked(strongBox)
            if (name != TRANSPORT) setUnlockedDeviceRequired(screenLock)
            if (name == REMEMBERED) {
                setUserAuthenticationRequired(true)
                // Not the phone's own PIN: colleagues who share a tablet know it.
                setUserAuthenticationParameters(PROOF_SECONDS, AUTH_BIOMETRIC_STRONG)
                setInvalidatedByBiometricEnrollment(true)
            }
            build()
        }

    private fun alias(name: String) = "org.bedside.$name"

    companion object {
        /** For how long a proof of who is there opens the remembered key. */
        const val PROOF_SECONDS = 30

        private const val PROVIDER = "AndroidKeyStore"
        private const val TRANSPORT = "transport-key"
        private const val REMEMBERED = "remembered-vault-key"
    }
}

/** The key store to give to [Bedside]: files that no backup takes along, under keys of the Android Keystore. */
fun platformKeyStore(context: Context): SealedSecrets {
    val keyguard = service<KeyguardManager>(context)
    return SealedSecrets(File(context.noBackupFilesDir, "bedside-keys"), PlatformKeys(keyguard.isDeviceSecure))
}

/** A service that every phone has. */
internal inline fun <reified T : Any> service(context: Context): T =
    checkNotNull(context.getSystemService(T::class.java)) { "a phone without ${T::class.java.simpleName}" }

/** The directory to give to [Bedside]. */
fun deviceDirectory(context: Context): File = File(context.noBackupFilesDir, "bedside")
