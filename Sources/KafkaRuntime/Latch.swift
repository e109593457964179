// SPDX-License-Identifier: Apache-2.0

/// Where threads wait for something that happens once.
///
/// Whoever waits is let go by the one call of `open`, all together, without taking turns at a lock. Only for threads that
/// may block (`QueueFactory.runBlocking`, or a caller's own).
public protocol Latch: AnyObject, Sendable {
    /// Lets go of everybody who waits, and of everybody who comes later. What was done before is seen by them. To be
    /// called exactly once.
    func open()

    /// Blocks until the latch is open.
    func wait()
}
