// SPDX-License-Identifier: Apache-2.0

/// Something a reactor's poller watches.
class ReactorSocket {
    /// Called on the reactor.
    func ready(_ readiness: Readiness) { preconditionFailure("a socket handles its readiness") }
}

/// Finds the socket an event belongs to. A token is never used again, so that an event that was fetched before its socket
/// was closed finds nothing.
struct SocketTable {
    private struct Slot {
        var generation: UInt32
        var socket: ReactorSocket?
    }

    private var slots: ContiguousArray<Slot> = []
    private var free: [UInt32] = []

    subscript(token: UInt64) -> ReactorSocket? {
        let slot = slots[Int(token & 0xFFFF_FFFF)]
        return slot.generation == UInt32(token >> 32) ? slot.socket : nil
    }

    mutating func insert(_ socket: ReactorSocket) -> UInt64 {
        if let index = free.popLast() {
            slots[Int(index)].generation &+= 1
            slots[Int(index)].socket = socket
            return UInt64(slots[Int(index)].generation) << 32 | UInt64(index)
        }
        slots.append(Slot(generation: 0, socket: socket))
        return UInt64(slots.count - 1)
    }

    mutating func remove(_ token: UInt64) {
        let index = Int(token & 0xFFFF_FFFF)
        guard slots[index].generation == UInt32(token >> 32), slots[index].socket != nil else { return }
        slots[index].socket = nil
        free.append(UInt32(index))
    }
}
