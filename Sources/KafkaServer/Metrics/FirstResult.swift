// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// Passes the first of several results on and drops the others.
final class FirstResult<Value: Sendable>: Sendable {
    private let handler: Mutex<(@Sendable (Value) -> Void)?>

    init(_ handler: @escaping @Sendable (Value) -> Void) { self.handler = Mutex(handler) }

    func give(_ value: Value) {
        let first = handler.withLock { handler in
            defer { handler = nil }
            return handler
        }
        first?(value)
    }
}
