package org.bedside.android

import android.content.Context
import androidx.lifecycle.DefaultLifecycleObserver
import androidx.lifecycle.LifecycleOwner
import androidx.lifecycle.ProcessLifecycleOwner
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.launch

/** Tells the device when the app comes and goes, and what the network does. Call it once, in `Application.onCreate`. */
fun Bedside.follow(context: Context, scope: CoroutineScope) {
    ProcessLifecycleOwner.get().lifecycle.addObserver(
        object : DefaultLifecycleObserver {
            private var network: NetworkWatch? = null

            override fun onStart(owner: LifecycleOwner) {
                session.value?.foreground()
                network = NetworkWatch(context) { available -> scope.launch { session.value?.network(available) } }
            }

            override fun onStop(owner: LifecycleOwner) {
                network?.close()
                network = null
                session.value?.background()
            }
        },
    )
}
