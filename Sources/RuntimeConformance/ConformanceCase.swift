// SPDX-License-Identifier: Apache-2.0
package import KafkaRuntime

/// An implementation of the seam under examination, and how to let it go on.
package protocol ConformanceWorld {
    var runtime: Runtime { get }
    /// An existing, empty directory of this world's file system.
    var directory: String { get }
    /// Lets things happen until `condition` holds; false when it does not after `milliseconds`.
    func wait(milliseconds: Int64, until condition: () -> Bool) -> Bool
}

extension ConformanceWorld {
    /// Waits up to ten seconds for what must happen.
    func expectSoon(_ what: String, _ condition: () -> Bool) throws(ConformanceFailure) {
        guard wait(milliseconds: 10_000, until: condition) else { throw ConformanceFailure("did not happen: \(what)") }
    }

    /// Gives what must not happen the time to happen.
    func settle(milliseconds: Int64 = 30) { _ = wait(milliseconds: milliseconds) { false } }
}

/// What an implementation does otherwise than the protocols of the seam say.
package struct ConformanceFailure: Error, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}

/// One demand of the seam on its implementations.
package struct ConformanceCase: Sendable, CustomStringConvertible {
    package let name: String
    /// Throws a `ConformanceFailure`, or the error that a call gave which should have succeeded.
    package let run: @Sendable (any ConformanceWorld) throws -> Void

    init(_ name: String, _ run: @escaping @Sendable (any ConformanceWorld) throws -> Void) {
        self.name = name
        self.run = run
    }

    package var description: String { name }
}

/// The demands on every implementation of `Runtime`, as cases that a test target runs against its own.
package enum RuntimeConformance {
    package static var all: [ConformanceCase] { queues + streams + closing + gates + files }
}

func expect(_ holds: Bool, _ what: @autoclosure () -> String) throws(ConformanceFailure) {
    if !holds { throw ConformanceFailure(what()) }
}

func expectEqual<T: Equatable>(_ found: T, _ expected: T, _ what: String) throws(ConformanceFailure) {
    if found != expected { throw ConformanceFailure("\(what): expected \(expected), found \(found)") }
}
