package org.bedside.android

import android.content.Context
import android.net.ConnectivityManager
import android.net.Network

/** Tells a listener, from a thread of the platform, whether there is a network. Closing it ends that. */
class NetworkWatch(context: Context, private val told: (available: Boolean) -> Unit) : AutoCloseable {
    private val manager = service<ConnectivityManager>(context)
    private val callback = object : ConnectivityManager.NetworkCallback() {
        override fun onAvailable(network: Network) = told(true)

        override fun onLost(network: Network) = told(false)
    }

    init {
        manager.registerDefaultNetworkCallback(callback)
    }

    override fun close() = manager.unregisterNetworkCallback(callback)
}
