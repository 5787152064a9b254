package org.bedside.android

import android.security.keystore.KeyGenParameterSpec
import android.security.keystore.KeyPermanentlyInvalidatedException
import android.security.keystore.KeyProperties
import android.security.keystore.StrongBoxUnavailableException
import java.io.InputStream
import java.io.OutputStream
import java.security.InvalidKeyException
import java.security.Key
import java.security.KeyStoreSpi
import java.security.Provider
import java.security.SecureRandom
import java.security.Security
import java.security.UnrecoverableKeyException
import java.security.cert.Certificate
import java.security.spec.AlgorithmParameterSpec
import java.util.Collections
import java.util.Date
import java.util.Enumeration
import javax.crypto.KeyGeneratorSpi
import javax.crypto.SecretKey
import javax.crypto.spec.SecretKeySpec
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.BeforeEach
import org.junit.jupiter.api.Test

/** The phone's key store, as far as it is asked; the specifications are Android's own class. */
object Phone {
    var strongBox = true
    var invalidated = false
    val made = mutableListOf<KeyGenParameterSpec>()
    val keys = mutableMapOf<String, SecretKey>()

    fun fresh() {
        strongBox = true
        invalidated = false
        made.clear()
        keys.clear()
    }
}

class PhoneGenerator : KeyGeneratorSpi() {
    private lateinit var spec: KeyGenParameterSpec

    override fun engineInit(spec: AlgorithmParameterSpec, random: SecureRandom?) {
        this.spec = spec as KeyGenParameterSpec
    }

    override fun engineInit(random: SecureRandom?) = error("not asked")

    override fun engineInit(bits: Int, random: SecureRandom?) = error("not asked")

    override fun engineGenerateKey(): SecretKey {
        if (spec.isStrongBoxBacked && !Phone.strongBox) throw StrongBoxUnavailableException("no StrongBox here")
        Phone.made += spec
        return SecretKeySpec(ByteArray(32), "AES").also { Phone.keys[spec.keystoreAlias] = it }
    }
}

class PhoneStore : KeyStoreSpi() {
    override fun engineGetKey(alias: String, password: CharArray?): Key? {
        if (Phone.invalidated) throw UnrecoverableKeyException().apply { initCause(KeyPermanentlyInvalidatedException()) }
        return Phone.keys[alias]
    }

    override fun engineDeleteEntry(alias: String) {
        Phone.keys.remove(alias)
    }

    override fun engineLoad(stream: InputStream?, password: CharArray?) = Unit

    override fun engineAliases(): Enumeration<String> = Collections.enumeration(Phone.keys.keys)

    override fun engineContainsAlias(alias: String) = alias in Phone.keys

    override fun engineSize() = Phone.keys.size

    override fun engineIsKeyEntry(alias: String) = alias in Phone.keys

    override fun engineIsCertificateEntry(alias: String) = false

    override fun engineGetCertificateChain(alias: String): Array<Certificate>? = null

    override fun engineGetCertificate(alias: String): Certificate? = null

    override fun engineGetCreationDate(alias: String): Date? = null

    override fun engineGetCertificateAlias(certificate: Certificate): String? = null

    override fun engineStore(stream: OutputStream?, password: CharArray?) = error("not asked")

    override fun engineSetKeyEntry(a: String, key: Key, p: CharArray?, chain: Array<Certificate>?) = error("not asked")

    override fun engineSetKeyEntry(a: String, key: ByteArray, chain: Array<Certificate>?) = error("not asked")

    override fun engineSetCertificateEntry(a: String, certificate: Certificate) = error("not asked")
}

private class PhoneProvider : Provider("AndroidKeyStore", "1", "the phone") {
    init {
        put("KeyStore.AndroidKeyStore", PhoneStore::class.java.name)
        put("KeyGenerator.AES", PhoneGenerator::class.java.name)
    }
}

class PlatformKeysTest {
    @BeforeEach
    fun `a phone`() {
        Phone.fresh()
        Security.addProvider(PhoneProvider())
    }

    @AfterEach
    fun `put away`() = Security.removeProvider("AndroidKeyStore")

    private fun made(name: String, screenLock: Boolean = true): KeyGenParameterSpec {
        PlatformKeys(screenLock).make(name)
        return Phone.made.last()
    }

    @Test
    fun `a key is AES-256-GCM in the StrongBox, and found again by its name alone`() {
        val spec = made("device-secret")
        assertTrue(spec.isStrongBoxBacked)
        assertEquals(256, spec.keySize)
        assertEquals(listOf(KeyProperties.BLOCK_MODE_GCM), spec.blockModes.toList())
        assertTrue(spec.isRandomizedEncryptionRequired)
        assertNotNull(PlatformKeys(true).find("device-secret"))
        assertNull(PlatformKeys(true).find("transport-key"))
    }

    @Test
    fun `a phone without a StrongBox makes the key in its ordinary key store`() {
        Phone.strongBox = false
        assertFalse(made("device-secret").isStrongBoxBacked)
    }

    @Test
    fun `the transport key works while the screen is locked, the others do not`() {
        assertFalse(made("transport-key").isUnlockedDeviceRequired)
        assertTrue(made("device-secret").isUnlockedDeviceRequired)
        assertTrue(made("remembered-vault-key").isUnlockedDeviceRequired)
        assertFalse(made("device-secret", screenLock = false).isUnlockedDeviceRequired)
    }

    @Test
    fun `the remembered key asks for a strong biometric proof, and a new finger ends it`() {
        val spec = made("remembered-vault-key")
        assertTrue(spec.isUserAuthenticationRequired)
        assertEquals(KeyProperties.AUTH_BIOMETRIC_STRONG, spec.userAuthenticationType)
        assertEquals(PlatformKeys.PROOF_SECONDS, spec.userAuthenticationValidityDurationSeconds)
        assertTrue(spec.isInvalidatedByBiometricEnrollment)
        assertFalse(made("device-secret").isUserAuthenticationRequired)
    }

    @Test
    fun `a key that Android has ended is as good as none`() {
        made("remembered-vault-key")
        Phone.invalidated = true
        assertNull(PlatformKeys(true).find("remembered-vault-key"))
        val keys = PlatformKeys(true)
        assertTrue(keys.isGone(KeyPermanentlyInvalidatedException()))
        assertFalse(keys.isGone(InvalidKeyException("locked")))
    }

    @Test
    fun `what is forgotten is gone`() {
        made("device-secret")
        PlatformKeys(true).forget("device-secret")
        assertNull(PlatformKeys(true).find("device-secret"))
    }
}
