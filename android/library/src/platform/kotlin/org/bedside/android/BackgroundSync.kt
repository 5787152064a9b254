package org.bedside.android

import org.bedside.ApiException
import org.bedside.SyncReport

/** How a sync in the background ended. */
sealed interface BackgroundSync {
    /** In step, as far as the relay could be. */
    data class Done(val report: SyncReport) : BackgroundSync

    /** It is worth trying again later; the time was over when there is no reason. */
    data class Again(val reason: ApiException?) : BackgroundSync

    /** Trying again does not help before the person has done something. */
    data class Stopped(val reason: ApiException) : BackgroundSync
}

internal fun afterwards(error: ApiException): BackgroundSync = when (error) {
    is ApiException.Unreachable,
    is ApiException.KeyStore,
    is ApiException.FreeSpace,
    is ApiException.InUse,
    is ApiException.Cancelled,
    is ApiException.Wait,
    -> BackgroundSync.Again(error)

    is ApiException.Locked,
    is ApiException.WrongPin,
    is ApiException.KeysDestroyed,
    is ApiException.NotEnrolled,
    is ApiException.NotAllowed,
    is ApiException.Invalid,
    is ApiException.NotFound,
    is ApiException.AlreadyThere,
    is ApiException.Damaged,
    is ApiException.UpdateApp,
    is ApiException.Refused,
    is ApiException.SyncFirst,
    is ApiException.Bug,
    -> BackgroundSync.Stopped(error)
}
