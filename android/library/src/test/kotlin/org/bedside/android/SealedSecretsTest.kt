package org.bedside.android

import java.io.File
import java.nio.file.Path
import java.security.GeneralSecurityException
import java.security.InvalidKeyException
import javax.crypto.KeyGenerator
import javax.crypto.SecretKey
import org.bedside.KeyStoreException
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

private class SoftwareKeys : SecretKeys {
    val keys = mutableMapOf<String, SecretKey>()
    var refuses: GeneralSecurityException? = null

    override fun find(name: String): SecretKey? = refuses?.let { throw it } ?: keys[name]

    override fun make(name: String): SecretKey =
        KeyGenerator.getInstance("AES").apply { init(256) }.generateKey().also { keys[name] = it }

    override fun forget(name: String) {
        keys.remove(name)
    }

    override fun isGone(error: GeneralSecurityException) = false
}

class SealedSecretsTest {
    @TempDir
    lateinit var temporary: Path

    private val keys = SoftwareKeys()
    private val folder: File get() = File(temporary.toFile(), "keys")
    private val store get() = SealedSecrets(folder, keys)
    private val secret = ByteArray(32) { it.toByte() }

    @Test
    fun `a secret comes back as it was kept, also after it was replaced`() {
        assertNull(store.load("device-secret"))
        store.save("device-secret", byteArrayOf(1))
        store.save("device-secret", secret)
        assertArrayEquals(secret, store.load("device-secret"))
        assertEquals(listOf("device-secret"), folder.list()?.toList())
    }

    @Test
    fun `nothing of a secret can be read in its file`() {
        store.save("device-secret", secret)
        val file = File(folder, "device-secret").readBytes()
        assertEquals(1 + 12 + secret.size + 16, file.size)
        assertFalse(file.toList().windowed(4).any { it == secret.toList().subList(0, 4) })
    }

    @Test
    fun `what was forgotten is gone, its key with it, and forgetting it again is no error`() {
        store.save("device-secret", secret)
        repeat(2) { store.delete("device-secret") }
        assertNull(store.load("device-secret"))
        assertTrue(keys.keys.isEmpty())
    }

    @Test
    fun `a file without its key is as good as none, and can be replaced`() {
        store.save("remembered-vault-key", secret)
        keys.keys.clear()
        assertNull(store.load("remembered-vault-key"))
        store.save("remembered-vault-key", secret)
        assertArrayEquals(secret, store.load("remembered-vault-key"))
    }

    @Test
    fun `a damaged file, and one put in the place of another, are refused and not taken for a secret`() {
        store.save("device-secret", secret)
        store.save("transport-key", secret)
        val file = File(folder, "device-secret")
        val good = file.readBytes()
        val other = File(folder, "transport-key").readBytes()
        keys.keys["device-secret"] = keys.keys.getValue("transport-key")
        for (bad in listOf(byteArrayOf(), byteArrayOf(2) + good.drop(1), good.copyOf(good.size - 1), other)) {
            file.writeBytes(bad)
            assertThrows(KeyStoreException.Unavailable::class.java) { store.load("device-secret") }
        }
    }

    @Test
    fun `a name that would lead out of the folder is refused`() {
        for (name in listOf("../transport-key", "", "a/b", "A")) {
            assertThrows(KeyStoreException.Unavailable::class.java) { store.save(name, secret) }
        }
        assertFalse(File(temporary.toFile(), "transport-key").exists())
    }

    @Test
    fun `what the platform says is said`() {
        keys.refuses = InvalidKeyException("the screen is locked")
        val error = assertThrows(KeyStoreException.Unavailable::class.java) { store.save("device-secret", secret) }
        assertEquals("the screen is locked", error.why)
    }
}
