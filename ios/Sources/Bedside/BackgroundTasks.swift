#if os(iOS)
    import BackgroundTasks
    import Foundation

    /// Syncs while the app is off the screen; the device stays locked. List both identifiers in Info.plist under
    /// `BGTaskSchedulerPermittedIdentifiers`, and register before the app has finished launching.
    public enum BackgroundTasks {
        /// Seconds of work, about as often as the person uses the app.
        public static let refresh = "org.bedside.refresh"
        /// Minutes of work, with power and network: for a device that has much to catch up on.
        public static let processing = "org.bedside.processing"

        /// - Parameter session: asked when a task begins; none when there is no device yet.
        public static func register(_ session: @escaping @Sendable () async -> Session?) {
            for identifier in [refresh, processing] {
                BGTaskScheduler.shared.register(forTaskWithIdentifier: identifier, using: nil) { task in
                    run(task, session)
                }
            }
        }

        /// Asks for the next runs. Call it when the app leaves the screen; a run asks again by itself.
        public static func schedule() {
            let soon = BGAppRefreshTaskRequest(identifier: refresh)
            soon.earliestBeginDate = Date(timeIntervalSinceNow: 15 * 60)
            let long = BGProcessingTaskRequest(identifier: processing)
            long.requiresNetworkConnectivity = true
            long.requiresExternalPower = true
            for request in [soon, long] {
                // Refused where background work is switched off, and in the simulator: the app syncs when it is opened.
                try? BGTaskScheduler.shared.submit(request)
            }
        }

        private static func run(_ task: BGTask, _ session: @escaping @Sendable () async -> Session?) {
            schedule()
            let done = Completion(task)
            let work = Task {
                switch await session()?.syncInBackground() {
                case nil, .done: done.complete(success: true)
                case .again, .stopped: done.complete(success: false)
                }
            }
            task.expirationHandler = { work.cancel() }
        }
    }

    /// iOS hands a task to whichever thread; it may be told from any that it is done.
    private final class Completion: @unchecked Sendable {
        private let task: BGTask

        init(_ task: BGTask) {
            self.task = task
        }

        func complete(success: Bool) {
            task.setTaskCompleted(success: success)
        }
    }
#endif
