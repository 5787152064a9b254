package org.bedside

import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking

/** A process that writes and syncs until it is killed, and says what is saved. */
fun main(arguments: Array<String>): Unit = runBlocking {
    val (directory, keys, plan) = arguments
    val device = Device.open(directory, fileKeyStore(keys))
    device.unlock(PIN)
    launch(Dispatchers.IO) { while (true) device.sync() }
    var number = 0
    while (true) {
        number++
        device.edit(plan) { setText("wishes.about_me", "version $number") }
        println("saved $number")
    }
}
