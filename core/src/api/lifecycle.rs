//! What the platform tells an app about its own life: on the screen, off it, about to be suspended.

use super::{ApiError, App};

impl App {
    /// The app is on the screen: files are taken again if they were released, and changes arrive by themselves. A device that
    /// is not enrolled has nothing to keep in step with, and that is no error.
    pub fn foreground(&self) -> Result<(), ApiError> {
        self.resume()?;
        match self.go_online() {
            Err(ApiError::NotEnrolled) => Ok(()),
            online => online,
        }
    }

    /// The app is off the screen: changes no longer arrive by themselves. Everything saved is kept, and [`Self::sync`] still
    /// works, for a task that the platform runs now and then.
    pub fn background(&self) {
        self.go_offline();
    }

    /// Releases every file and lock; syncing pauses. For when the platform suspends the app.
    pub fn suspend(&self) -> Result<(), ApiError> {
        self.go_offline();
        Ok(self.device.suspend()?)
    }

    /// Takes files and locks again after [`Self::suspend`]. Resuming what is not suspended is no error.
    pub fn resume(&self) -> Result<(), ApiError> {
        Ok(self.device.resume()?)
    }
}
