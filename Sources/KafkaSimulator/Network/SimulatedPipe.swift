// SPDX-License-Identifier: Apache-2.0
import DequeModule
import KafkaBase
import KafkaRuntime

/// One direction of a connection: bytes under way from the sender's operating system to the receiver's.
///
/// Its window bounds what is under way or arrived and not read. Pieces arrive in order, each after a drawn latency;
/// while the link is cut they wait, as retransmissions do, and arrive after it has healed.
///
/// `@unchecked Sendable`: only touched by the thread that steps the simulation.
final class SimulatedPipe: @unchecked Sendable {
    private enum Segment {
        case bytes([UInt8])
        /// The sender has closed.
        case end
    }

    let id: UInt64
    private let fabric: NetworkFabric
    private let link: Link
    private let subject: TraceSubject
    private var window: Int
    private var transit: Deque<Segment> = []
    /// When the last segment sent so far arrives.
    private var lastArrival: Int64 = 0
    private var stalledArrivals = 0
    private var stalledAcknowledgements: [Int] = []
    private var sender: SimulatedConnection?
    private var receiver: SimulatedConnection?

    init(id: UInt64, name: String, link: Link, window: Int, fabric: NetworkFabric) {
        self.id = id
        self.link = link
        self.window = window
        self.fabric = fabric
        subject = TraceSubject(name)
    }

    /// Nothing sent arrives before `time`.
    func attach(sender: SimulatedConnection, receiver: SimulatedConnection, notBefore time: Int64) {
        self.sender = sender
        self.receiver = receiver
        lastArrival = time
    }

    /// Bytes that the sender may give now.
    var room: Int { window }

    /// Splits what the operating system took into pieces and sends them on their way.
    func send(_ bytes: [UInt8]) {
        precondition(bytes.count <= window, "more was sent than the window allows")
        window -= bytes.count
        var start = 0
        while start < bytes.count {
            let count = min(fabric.drawPiece(), bytes.count - start)
            let piece =
                start == 0 && count == bytes.count ? bytes : [UInt8](bytes[start..<start + count])
            dispatch(.bytes(piece))
            start += count
        }
    }

    /// The sender has closed after everything sent so far.
    func sendEnd() {
        dispatch(.end)
        sender = nil
    }

    /// The sender is gone without a word.
    func abandonSender() {
        sender = nil
        retireIfOver()
    }

    /// The receiver has taken `count` bytes; the sender learns of it.
    func acknowledge(_ count: Int) {
        fabric.after(link.reversed, .acknowledgement, subject) { [self] in
            fabric.isCut(link.reversed) ? stalledAcknowledgements.append(count) : opened(count)
        }
    }

    /// The receiver reads no more; what arrives from now on is answered with a reset.
    func abandonReceiver() {
        receiver = nil
        retireIfOver()
    }

    /// Sends a reset to the receiver, which overtakes what is under way. Lost when the link is cut.
    func sendReset() {
        sender = nil
        transit = []
        fabric.after(link, .reset, subject) { [self] in
            guard !fabric.isCut(link) else { return }
            receiver?.peerReset()
        }
    }

    /// Links may work again: what was held back goes on its way, in order.
    func retryStalled() {
        if stalledArrivals > 0, !fabric.isCut(link) {
            let count = stalledArrivals
            stalledArrivals = 0
            for _ in 0..<count { scheduleArrival() }
        }
        if !stalledAcknowledgements.isEmpty, !fabric.isCut(link.reversed) {
            let stalled = stalledAcknowledgements
            stalledAcknowledgements = []
            for count in stalled { acknowledge(count) }
        }
    }

    /// The sender has lost power, and what was under way with it.
    func loseSender() {
        sender = nil
        transit = []
        retireIfOver()
    }

    func resetBothEnds() {
        let ends = (sender, receiver)
        ends.0?.peerReset()
        ends.1?.peerReset()
    }

    func touches(_ one: String, _ other: String) -> Bool {
        (link.from == one && link.to == other) || (link.from == other && link.to == one)
    }

    private func dispatch(_ segment: Segment) {
        transit.append(segment)
        scheduleArrival()
    }

    private func scheduleArrival() {
        lastArrival = max(lastArrival, fabric.drawArrival())
        fabric.at(lastArrival, .arrival, subject) { [self] in arrive() }
    }

    private func arrive() {
        guard !fabric.isCut(link) else {
            stalledArrivals += 1
            return
        }
        // A reset may have emptied what this arrival was scheduled for.
        guard let segment = transit.popFirst() else { return }
        switch segment {
        case .bytes(let bytes):
            fabric.note(
                .arrival, subject, size: bytes.count,
                digest: UInt64(bytes.withUnsafeBytes { CRC32C.checksum($0) }))
            if fabric.drawReset() { return resetBothEnds() }
            guard let receiver else { return refuse() }
            receiver.arrived(bytes)
        case .end:
            fabric.note(.arrival, subject)
            receiver?.arrivedEnd()
            retireIfOver()
        }
    }

    /// The far end is closed: its operating system answers with a reset.
    private func refuse() {
        fabric.after(link.reversed, .reset, subject) { [self] in
            guard !fabric.isCut(link.reversed) else { return }
            sender?.peerReset()
        }
    }

    private func opened(_ count: Int) {
        window += count
        sender?.windowOpened()
    }

    private func retireIfOver() {
        if sender == nil, receiver == nil || transit.isEmpty { fabric.retire(self) }
    }
}
