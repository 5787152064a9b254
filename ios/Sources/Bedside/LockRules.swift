/// When a device locks by itself. The defaults are the published rules for patient apps; an organisation may set shorter ones.
public struct LockRules: Sendable {
    /// On the screen, since somebody last touched it.
    public var idle: Duration
    /// Off the screen.
    public var away: Duration

    public init(idle: Duration = .seconds(300), away: Duration = .seconds(60)) {
        precondition(idle > .zero && away > .zero, "a device that locks at once cannot be used")
        self.idle = idle
        self.away = away
    }

    /// The moment at which an unlocked device locks unless something happens before.
    func due(_ presence: Presence) -> Duration {
        switch presence {
        case .here(let touched): touched + idle
        case .away(let left): left + away
        }
    }
}

/// Where the person is. Times are since the device started, its sleep included.
enum Presence: Sendable {
    case here(touched: Duration)
    case away(left: Duration)
}
