package org.bedside.android

import android.app.Activity
import android.hardware.biometrics.BiometricManager
import android.hardware.biometrics.BiometricManager.Authenticators.BIOMETRIC_STRONG
import android.hardware.biometrics.BiometricPrompt
import android.os.CancellationSignal
import kotlin.coroutines.resume
import kotlinx.coroutines.suspendCancellableCoroutine

/** What somebody answered who was asked to prove who they are. */
enum class Proof {
    /** They did. The remembered key can be used for [PlatformKeys.PROOF_SECONDS]. */
    GIVEN,

    /** They would rather enter the PIN. */
    REFUSED,

    /** Nobody can prove anything here: no sensor, nothing enrolled, too many tries. Ask for the PIN. */
    UNAVAILABLE,
}

/** Asks whoever is in front of the screen to prove who they are. */
fun interface PersonCheck {
    suspend fun ask(title: String, usePin: String): Proof
}

/** Asks with the phone's own dialogue, for a fingerprint or a face that counts as strong. */
class BiometricCheck(private val activity: Activity) : PersonCheck {
    override suspend fun ask(title: String, usePin: String): Proof {
        val manager = service<BiometricManager>(activity)
        if (manager.canAuthenticate(BIOMETRIC_STRONG) != BiometricManager.BIOMETRIC_SUCCESS) return Proof.UNAVAILABLE
        return suspendCancellableCoroutine { waiting ->
            val signal = CancellationSignal()
            waiting.invokeOnCancellation { signal.cancel() }
            val executor = activity.mainExecutor
            fun answer(proof: Proof) {
                if (waiting.isActive) waiting.resume(proof)
            }
            BiometricPrompt.Builder(activity)
                .setTitle(title)
                .setAllowedAuthenticators(BIOMETRIC_STRONG)
                .setNegativeButton(usePin, executor) { _, _ -> answer(Proof.REFUSED) }
                .build()
                .authenticate(signal, executor, callback(::answer))
        }
    }

    private fun callback(answer: (Proof) -> Unit) = object : BiometricPrompt.AuthenticationCallback() {
        override fun onAuthenticationSucceeded(result: BiometricPrompt.AuthenticationResult) = answer(Proof.GIVEN)

        override fun onAuthenticationError(code: Int, text: CharSequence) = answer(
            when (code) {
                BiometricPrompt.BIOMETRIC_ERROR_USER_CANCELED,
                BiometricPrompt.BIOMETRIC_ERROR_CANCELED,
                BiometricPrompt.BIOMETRIC_ERROR_TIMEOUT,
                -> Proof.REFUSED
                else -> Proof.UNAVAILABLE
            },
        )
    }
}
