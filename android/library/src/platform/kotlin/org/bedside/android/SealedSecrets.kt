package org.bedside.android

import java.io.File
import java.io.FileOutputStream
import java.io.IOException
import java.nio.file.Files
import java.nio.file.StandardCopyOption.ATOMIC_MOVE
import java.nio.file.StandardCopyOption.REPLACE_EXISTING
import java.security.GeneralSecurityException
import javax.crypto.Cipher
import javax.crypto.SecretKey
import javax.crypto.spec.GCMParameterSpec
import org.bedside.KeyStore
import org.bedside.KeyStoreException

/** Keys that do not leave the place where they were made. */
interface SecretKeys {
    /** None when there is none, or it can never be used again. */
    fun find(name: String): SecretKey?

    /** Makes a key for AES-256-GCM, replacing one of the same name. */
    fun make(name: String): SecretKey

    fun forget(name: String)

    /** The platform says that this key can never be used again. */
    fun isGone(error: GeneralSecurityException): Boolean
}

/**
 * The library's secrets in files, each sealed (AES-256-GCM, the name as associated data) by a key of its own.
 *
 * A file holds a version, a nonce of 12 bytes, and the sealed secret. It is replaced whole or not at all. A secret whose key is
 * gone is as good as none.
 */
class SealedSecrets(private val folder: File, private val keys: SecretKeys) : KeyStore {
    override fun load(name: String): ByteArray? = guarded(name) { file ->
        val sealed = if (file.exists()) file.readBytes() else return@guarded null
        val key = keys.find(name) ?: return@guarded null
        try {
            open(name, key, sealed)
        } catch (error: GeneralSecurityException) {
            if (!keys.isGone(error)) throw error
            null
        }
    }

    override fun save(name: String, secret: ByteArray) = guarded(name) { file ->
        val sealed = try {
            seal(name, keys.find(name) ?: keys.make(name), secret)
        } catch (error: GeneralSecurityException) {
            if (!keys.isGone(error)) throw error
            seal(name, keys.make(name), secret)
        }
        replace(file, sealed)
    }

    override fun delete(name: String) = guarded(name) { file ->
        Files.deleteIfExists(file.toPath())
        keys.forget(name)
    }

    private fun <T> guarded(name: String, work: (File) -> T): T = try {
        require(NAME.matches(name)) { "`$name` cannot name a secret" }
        synchronized(this) { work(File(folder, name)) }
    } catch (error: GeneralSecurityException) {
        throw unavailable(error)
    } catch (error: IOException) {
        throw unavailable(error)
    } catch (error: RuntimeException) {
        // The platform's key store throws what it does not declare: its own service was gone, say.
        throw unavailable(error)
    }

    private fun unavailable(error: Exception) =
        KeyStoreException.Unavailable(error.message ?: error.javaClass.simpleName)

    private fun seal(name: String, key: SecretKey, secret: ByteArray): ByteArray {
        val cipher = Cipher.getInstance(CIPHER).apply { init(Cipher.ENCRYPT_MODE, key) }
        cipher.updateAAD(name.toByteArray())
        return byteArrayOf(VERSION) + cipher.iv + cipher.doFinal(secret)
    }

    private fun open(name: String, key: SecretKey, sealed: ByteArray): ByteArray {
        if (sealed.size <= SECRET_AT || sealed[0] != VERSION) throw IOException("the file of `$name` is damaged")
        val cipher = Cipher.getInstance(CIPHER)
        cipher.init(Cipher.DECRYPT_MODE, key, GCMParameterSpec(TAG_BITS, sealed, NONCE_AT, SECRET_AT - NONCE_AT))
        cipher.updateAAD(name.toByteArray())
        return cipher.doFinal(sealed, SECRET_AT, sealed.size - SECRET_AT)
    }

    private fun replace(file: File, content: ByteArray) {
        Files.createDirectories(folder.toPath())
        val fresh = File(folder, "${file.name}.new")
        FileOutputStream(fresh).use {
            it.write(content)
            it.fd.sync()
        }
        Files.move(fresh.toPath(), file.toPath(), ATOMIC_MOVE, REPLACE_EXISTING)
    }

    private companion object {
        val NAME = Regex("[a-z]+(-[a-z]+)*")
        const val CIPHER = "AES/GCM/NoPadding"
        const val VERSION: Byte = 1
        const val NONCE_AT = 1
        const val SECRET_AT = NONCE_AT + 12
        const val TAG_BITS = 128
    }
}
