// SPDX-License-Identifier: Apache-2.0
package import Logging
internal import Synchronization

/// The levels of a broker's loggers, which operators see and change while it runs (KIP-412).
///
/// Each component has a logger under its name; those without a level of their own have that of `root`. What was changed
/// is forgotten when the broker stops.
package final class LoggerLevels: Sendable {
    /// The logger whose level holds for all that have none of their own.
    package static let root = "root"

    private struct State {
        /// By component.
        var loggers: [String: LoggerLevel] = [:]
        var root: LoggerLevel
    }

    private let state: Mutex<State>

    /// - Parameter root: what the loggers have that were given no level of their own.
    package init(root: Logger.Level) { state = Mutex(State(root: LoggerLevel(initial: root, parent: nil))) }

    /// The level that a component's logger is governed by; `initial` is what it was made with.
    func level(of component: String, initial: Logger.Level) -> LoggerLevel {
        state.withLock { state in
            if let known = state.loggers[component] { return known }
            // A level that differs was set for this component, so that it does not follow another.
            let level = LoggerLevel(initial: initial, parent: initial == state.root.initial ? state.root : nil)
            state.loggers[component] = level
            return level
        }
    }

    /// All loggers with their levels, by name.
    package var all: [(name: String, level: Logger.Level)] {
        state.withLock { state in
            let components = state.loggers.map { (name: $0.key, level: $0.value.current) }
            return (components + [(name: Self.root, level: state.root.current)]).sorted { $0.name < $1.name }
        }
    }

    /// Whether there is a logger of this name.
    package func contains(_ name: String) -> Bool {
        name == Self.root || state.withLock { $0.loggers[name] != nil }
    }

    /// Gives a logger a level, or with nil takes away what it was given. Nothing where there is none of this name.
    package func set(_ name: String, to level: Logger.Level?) {
        state.withLock { state in (name == Self.root ? state.root : state.loggers[name])?.set(level) }
    }
}

/// The level of one logger. Read for every line that might be written.
final class LoggerLevel: Sendable {
    let initial: Logger.Level
    private let parent: LoggerLevel?
    /// The place of the level in `Logger.Level.allCases`; −1 for none.
    private let given = Atomic<Int>(-1)

    init(initial: Logger.Level, parent: LoggerLevel?) {
        self.initial = initial
        self.parent = parent
    }

    var current: Logger.Level {
        let place = given.load(ordering: .relaxed)
        if place >= 0 { return Logger.Level.allCases[place] }
        return parent?.current ?? initial
    }

    func set(_ level: Logger.Level?) {
        let place = level.flatMap { Logger.Level.allCases.firstIndex(of: $0) } ?? -1
        given.store(place, ordering: .relaxed)
    }
}

/// Puts a level that can change between a logger and what writes its lines.
struct LevelledLogHandler: LogHandler {
    private var inner: any LogHandler
    private let level: LoggerLevel

    init(_ inner: any LogHandler, level: LoggerLevel) {
        self.inner = inner
        self.level = level
    }

    /// Setting it gives this one copy of the logger a level of its own, as swift-log has it.
    var logLevel: Logger.Level {
        get { own ?? level.current }
        set { own = newValue }
    }

    private var own: Logger.Level?

    var metadata: Logger.Metadata {
        get { inner.metadata }
        set { inner.metadata = newValue }
    }

    var metadataProvider: Logger.MetadataProvider? {
        get { inner.metadataProvider }
        set { inner.metadataProvider = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { inner[metadataKey: key] }
        set { inner[metadataKey: key] = newValue }
    }

    func log(event: LogEvent) { inner.log(event: event) }
}
