import Bedside
import BedsideScreens
import SwiftUI

@main
struct BedsideApp: App {
    @Environment(\.scenePhase) private var phase
    @StateObject private var model = AppModel(
        keyStore: KeychainStore(reason: "Unlock Bedside"), directory: { try deviceDirectory() })

    init() {
        // Before launching ends; the model is asked when a task begins.
        BackgroundTasks.register { await AppModel.current?.session }
    }

    var body: some Scene {
        WindowGroup {
            BedsideScreens(model: model)
                .privacy(covered: phase != .active)
                .onChange(of: phase) { now in
                    switch now {
                    case .active: model.foreground()
                    case .background:
                        model.background()
                        BackgroundTasks.schedule()
                    default: break
                    }
                }
        }
    }
}
