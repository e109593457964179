// SPDX-License-Identifier: Apache-2.0
internal import DequeModule
internal import KafkaBase
internal import KafkaProtocol
internal import KafkaReplication
package import KafkaRuntime
internal import KafkaStorage
internal import Logging

/// The server's end of a client connection: cuts the stream into requests, has each handled, sends the answers in
/// the order of the requests.
///
/// Requests are handled one after the other. While an answer is outstanding no further request is handled, as in
/// Apache Kafka, with one exception: Produce requests behind an outstanding Produce are, because their order is kept
/// by the log and a pipelining producer would otherwise wait for one answer at a time.
///
/// Confined to the connection's reactor (`queue`), which is what makes it `@unchecked Sendable`.
package final class RequestConnection: ConnectionHandler, @unchecked Sendable {
    /// Unsent output above which no further request is read, in bytes.
    private static let unsentBytesMaximum = 1 << 20
    /// Requests whose answers may be outstanding at once.
    private static let outstandingMaximum = 128

    let queue: any SerialQueue
    let id: UInt64
    let remoteAddress: SocketAddress
    let connection: any Connection
    let listener: ListenerContext
    /// Who sent the last request.
    private var client: ClientIdentity?
    /// nil until the broker serves; nothing is read before.
    private var broker: BrokerContext?
    private var buffer = AnswerBuffer()
    private var outstanding: Deque<AnswerSlot> = []
    private var outstandingAreProduce = false
    private var nextSlot: UInt64 = 0
    private var isReading = true
    var isClosed = false
    private var isInsideReceived = false
    /// True while frames lie unhandled in the connection's buffer behind an outstanding answer.
    private var isHeldBack = false
    /// True once the broker stops: nothing further is handled.
    private var isDraining = false
    /// Bytes of `memory` that are taken for what has arrived of requests not yet handled, or will.
    var claimed = 0
    var isWaitingForMemory = false
    /// The appends of the Produce requests that came together; made for the first connection that pipelines some.
    var appendGroup: AppendGroup?
    /// Whether the request that is handled now belongs to those.
    var isGroupingAppends = false
    /// What the last request was about.
    var recentTopic = ReplicaManager.RecentTopic()
    /// nil where nobody wants to know.
    private var meter: RequestMeter?
    /// The request that is handled now.
    private var measured: RequestMeasurement?
    /// Milliseconds that the client must wait because of the request that is handled now.
    private var throttle: Int64 = 0
    /// Set while nothing is read because the client is above a quota.
    private var muting: Muting?

    init(connection: any Connection, gate: ListenerGate, listener: ListenerContext) {
        self.connection = connection
        self.listener = listener
        queue = connection.queue
        id = connection.id
        remoteAddress = connection.remoteAddress
        broker = gate.broker(for: self)
        measure()
        if broker == nil { holdBack() }
    }

    /// The broker serves now.
    func begin(_ broker: BrokerContext) {
        self.broker = broker
        measure()
        releaseIfPossible()
    }

    /// The broker stops: takes no further request, has those that wait answered with what there is, and ends when
    /// everything is answered.
    func drain() {
        guard !isClosed, !isDraining else { return }
        isDraining = true
        holdBack()
        for waiting in outstanding.compactMap(\.parked) { waiting.answerNow() }
        closeIfDrained()
    }

    /// When it was used last, in monotonic nanoseconds.
    var lastActivity: Int64 { connection.lastActivity }

    /// Ends at once, whatever is outstanding.
    func close() { connection.close() }

    // MARK: ConnectionHandler

    package func received(_ bytes: UnsafeMutableRawBufferPointer) -> Consumption {
        isInsideReceived = true
        defer { isInsideReceived = false }
        guard let broker, !isDraining else { return Consumption(consumed: 0) }
        meter?.bytesArrived()
        appendGroup?.lend(UnsafeRawBufferPointer(bytes))
        let consumption = handleFrames(bytes, broker)
        commitAppends()
        appendGroup?.endLending()
        sendWaiting()
        return consumption
    }

    private func handleFrames(_ bytes: UnsafeMutableRawBufferPointer, _ broker: BrokerContext) -> Consumption {
        guard let base = bytes.baseAddress else { return Consumption(consumed: 0) }
        let requestBytesMax = broker.configuration.network.requestBytesMax
        var offset = 0
        while !isClosed {
            let left = bytes.count - offset
            guard left >= 4 else {
                giveBackMemory()
                return Consumption(consumed: offset, needed: left == 0 ? 0 : 4)
            }
            let length = Int(Int32(bigEndian: (base + offset).loadUnaligned(as: Int32.self)))
            // A header is at least eight bytes and a client id's length two.
            guard length >= 10, length <= requestBytesMax else {
                end(reason: "request of \(length) bytes is outside 10...socket.request.max.bytes")
                return Consumption(consumed: bytes.count)
            }
            guard left >= 4 + length else {
                return Consumption(consumed: offset, needed: claimMemory(4 + length) ? 4 + length : 0)
            }
            let frame = UnsafeMutableRawBufferPointer(start: base + (offset + 4), count: length)
            let next = UnsafeRawBufferPointer(start: base + (offset + 4 + length), count: left - 4 - length)
            guard handle(frame, broker, next: next) else {
                holdBack(left)
                return Consumption(consumed: offset)
            }
            offset += 4 + length
            if connection.unsentBytes > Self.unsentBytesMaximum || muting != nil {
                holdBack(bytes.count - offset)
                return Consumption(consumed: offset)
            }
        }
        return Consumption(consumed: bytes.count)
    }

    package func drained() {
        releaseIfPossible()
    }

    package func closed(_ reason: CloseReason) {
        isClosed = true
        if let muting { queue.cancel(muting.timer) }
        if case .failed(let error) = reason, let file = error.file { broker?.logs.fileFailed(file) }
        abandonOutstanding()
        giveBackMemory()
        listener.connectionClosed(self)
        listener.log.debug(
            "connection closed", metadata: ["peer": "\(remoteAddress)", "reason": "\(reason)"])
    }

    // MARK: Requests

    /// Handles one request; false when it has to wait behind an outstanding answer.
    ///
    /// - Parameter next: what was received behind it.
    @inline(__always)
    private func handle(
        _ bytes: UnsafeMutableRawBufferPointer, _ broker: BrokerContext, next: UnsafeRawBufferPointer
    ) -> Bool {
        let frame: RequestFrame
        do throws(WireError) {
            frame = try RequestFrame(bytes)
        } catch {
            end(reason: "malformed request header: \(error)")
            return true
        }
        let isProduce = frame.apiKey == APIKey.produce.rawValue
        if !outstanding.isEmpty {
            guard isProduce, outstandingAreProduce, outstanding.count < Self.outstandingMaximum else { return false }
        } else {
            outstandingAreProduce = isProduce
        }
        if isProduce {
            groupAppends(withNext: RequestFrame.isProduceWhole(atFrontOf: next))
        } else if appendGroup != nil {
            // It must see what the requests before it have appended.
            commitAppends()
            guard !isClosed else { return true }
        }
        guard let meter else {
            RequestRouter.route(frame, on: self, broker)
            return true
        }
        let slotBefore = nextSlot
        measured = frame.key.map { meter.begin($0, version: frame.apiVersion, requestBytes: frame.size) }
        RequestRouter.route(frame, on: self, broker)
        measured = nil
        // The request has a place, and waits in it.
        if nextSlot != slotBefore, let last = outstanding.indices.last, outstanding[last].id == nextSlot,
            outstanding[last].ready == nil
        {
            outstanding[last].measured?.parked = meter.parked()
        }
        return true
    }

    /// Decodes the body and has `handler` answer it.
    func serve<Handler: RequestHandler>(_ handler: Handler.Type, _ frame: RequestFrame, _ broker: BrokerContext) {
        let version = frame.apiVersion
        let request: Handler.Request
        var reader = ByteReader(UnsafeRawBufferPointer(frame.body))
        do throws(WireError) {
            request = try Handler.Request(from: &reader, version: version)
        } catch {
            return end(reason: "malformed \(Handler.Request.apiKey) version \(version) request: \(error)")
        }
        // Bytes after the body are passed over, as Kafka does: librdkafka's flexible request for all topics has three.
        let quota = quota(frame, broker)
        let context = RequestContext(
            broker: broker, version: version, listenerName: listener.name, client: identity(frame), queue: queue,
            quota: quota)
        let place = AnswerPlace(Handler.Request.Response.self, correlationID: frame.correlationID, version: version)
        let reply = Handler.handle(request, context) { ReplyTicket(reserve(place)) }
        if let quota { throttle = quota.charge(place.api, requestBytes: frame.size) }
        defer { throttle = 0 }
        switch reply {
        case .now(let made): answer(place) { (buffer) throws(WireError) in try buffer.write(made, version: version) }
        case .later: throttleLater()
        case .close(let reason): end(reason: reason)
        }
    }

    private func identity(_ frame: RequestFrame) -> ClientIdentity {
        if let client, client.matches(frame.clientIDBytes) { return client }
        let identity = ClientIdentity(frame.clientIDBytes, host: remoteAddress.host)
        client = identity
        return identity
    }

    /// The last place's answer is to tell the client how long it must wait; where it has left, the client waits untold.
    private func throttleLater() {
        guard throttle > 0 else { return }
        guard let last = outstanding.indices.last, outstanding[last].id == nextSlot else { return mute(throttle) }
        outstanding[last].throttle = throttle
    }

    /// Answers with a body other than the request's own version's (ApiVersions' error form).
    func respond<Response: ResponseMessage>(_ made: Answer<Response>, correlationID: Int32, version: Int16) {
        answer(AnswerPlace(Response.self, correlationID: correlationID, version: version)) {
            (buffer) throws(WireError) in
            try buffer.write(made, version: version)
        }
    }

    /// Keeps a place in the order of answers, for one that comes later.
    ///
    /// - Parameter throttle: milliseconds that the client is to be told to wait.
    func reserve(_ place: AnswerPlace, throttle: Int64 = 0) -> ReservedPlace {
        ReservedPlace(connection: self, slot: takeSlot(measured: measured, throttle: throttle), answer: place)
    }

    /// Answers the request that is handled now: has `write` put the body into the answer, and sends it unless it is
    /// withheld. `write` must not touch the connection.
    @discardableResult @inline(__always)
    func answer(
        _ place: AnswerPlace, _ write: (inout AnswerBuffer) throws(WireError) -> AnswerOutcome
    ) -> AnswerOutcome {
        let outcome = encode(place, throttle: throttle, write)
        guard outcome == .complete else { return outcome }
        answerIsWritten()
        return .complete
    }

    /// Has the answer in the buffer go out in its turn.
    @inline(__always)
    private func answerIsWritten() {
        let told = buffer.throttle
        // Answers to requests that came together leave together.
        if meter != nil || !outstanding.isEmpty || !isInsideReceived || !buffer.wait() { sendOrKeep() }
        if told > 0 { mute(told) }
    }

    private func sendOrKeep() {
        let written = measured.map(noteWritten)
        guard !outstanding.isEmpty else {
            let length = buffer.length
            if !isInsideReceived || !buffer.wait() { buffer.send(on: connection) }
            if let written { noteSent(written, bytes: length) }
            return
        }
        takeSlot(measured: written)
        let last = outstanding.count - 1
        outstanding[last].measured?.ready = meter?.now()
        outstanding[last].ready = buffer.copy()
        buffer.takeBack()
    }

    /// Sends the answers that were kept back to leave together.
    private func sendWaiting() {
        if buffer.hasWaiting, !isClosed { buffer.send(on: connection) }
    }

    /// The request that is handled now gets no answer.
    ///
    /// - Parameter throttle: milliseconds for which nothing further is read.
    func leaveUnanswered(throttle: Int64) {
        noteSent(measured, bytes: 0)
        mute(throttle)
    }

    /// Counts what stands in the buffer.
    private func noteWritten(_ measured: RequestMeasurement) -> RequestMeasurement {
        guard let meter else { return measured }
        var measured = measured
        measured.throttle = Int32(clamping: buffer.throttle)
        meter.count(buffer.notes, of: measured.key)
        return measured
    }

    private func noteSent(_ measured: RequestMeasurement?, bytes: Int) {
        if let meter, let measured { meter.finish(measured, responseBytes: bytes) }
    }

    @inline(__always)
    private func encode(
        _ place: AnswerPlace, throttle: Int64, _ write: (inout AnswerBuffer) throws(WireError) -> AnswerOutcome
    ) -> AnswerOutcome {
        do throws(WireError) {
            buffer.begin(correlationID: place.correlationID, hasTags: place.headerHasTags)
            buffer.throttle = throttle
            let outcome = try write(&buffer)
            guard outcome == .complete else {
                buffer.takeBack()
                return outcome
            }
            try buffer.finish()
            return .complete
        } catch {
            cannotWrite(place, error)
            return .failed
        }
    }

    private func cannotWrite(_ place: AnswerPlace, _ error: WireError) {
        buffer.takeBack()
        end(reason: "the answer to \(place.api) version \(place.version) cannot be written: \(error)")
    }

    @discardableResult
    private func takeSlot(measured: RequestMeasurement?, throttle: Int64 = 0) -> UInt64 {
        nextSlot += 1
        outstanding.append(AnswerSlot(id: nextSlot, measured: measured, throttle: throttle))
        return nextSlot
    }

    func park(_ request: any ParkedRequest, slot: UInt64) {
        queue.assertCurrent()
        guard let index = outstanding.firstIndex(where: { $0.id == slot }) else { return }
        outstanding[index].parked = request
    }

    /// Nobody will read the answers that are outstanding.
    func abandonOutstanding() {
        let waiting = outstanding.compactMap(\.parked)
        outstanding.removeAll()
        for request in waiting { request.abandon() }
    }

    // MARK: Answers that came later

    /// Fills a place in the order of answers, unless it is withheld, and sends what is now at the front.
    @discardableResult
    func answer(
        _ place: ReservedPlace, _ write: (inout AnswerBuffer) throws(WireError) -> AnswerOutcome
    ) -> AnswerOutcome {
        queue.assertCurrent()
        guard !isClosed, let index = outstanding.firstIndex(where: { $0.id == place.slot }) else { return .failed }
        let outcome = encode(place.answer, throttle: outstanding[index].throttle, write)
        guard outcome == .complete else { return outcome }
        if let meter, let measured = outstanding[index].measured {
            outstanding[index].measured = noteWritten(measured)
            outstanding[index].measured?.ready = meter.now()
        }
        let throttle = buffer.throttle
        if index == 0 {
            let slot = outstanding.removeFirst()
            let length = buffer.length
            buffer.send(on: connection)
            noteSent(slot.measured, bytes: length)
        } else {
            outstanding[index].parked = nil
            outstanding[index].ready = buffer.copy()
            buffer.takeBack()
        }
        while let ready = outstanding.first?.ready {
            let slot = outstanding.removeFirst()
            ready.send(on: connection)
            noteSent(slot.measured, bytes: ready.byteCount)
        }
        mute(throttle)
        releaseIfPossible()
        closeIfDrained()
        return .complete
    }

    // MARK: Quotas and metrics

    private func measure() {
        meter = broker?.metrics?.meter(of: queue)
        buffer.isMeasured = meter != nil
    }

    /// Whose quotas a request counts against; nil while none are set for anybody.
    @inline(__always)
    func quota(_ frame: RequestFrame, _ broker: BrokerContext) -> RequestQuota? {
        guard broker.quotas.isActive else { return nil }
        return RequestQuota(
            manager: broker.quotas, user: ClientQuotaManager.anonymous, clientID: frame.clientID ?? "",
            clock: broker.runtime.clock)
    }

    /// Reads nothing for so many milliseconds.
    private func mute(_ milliseconds: Int64) {
        guard milliseconds > 0, !isClosed, let clock = broker?.runtime.clock else { return }
        let until = clock.monotonicMilliseconds + milliseconds
        if let muting {
            guard until > muting.until else { return }
            queue.cancel(muting.timer)
        }
        let timer = queue.schedule(after: milliseconds) { [weak self] in
            self?.muting = nil
            self?.releaseIfPossible()
        }
        muting = Muting(until: until, timer: timer)
        if !isInsideReceived, !isHeldBack { holdBack() }
    }

    // MARK: Flow

    private func closeIfDrained() {
        if isDraining, !isClosed, outstanding.isEmpty { connection.closeAfterSending() }
    }

    /// - Parameter buffered: bytes of requests that stay in the connection's buffer meanwhile.
    func holdBack(_ buffered: Int = 0) {
        if buffered > 0 || claimed > 0 {
            listener.memory.exchange(claimed, for: buffered)
            claimed = buffered
        }
        isHeldBack = true
        if isReading {
            isReading = false
            connection.pauseReading()
        }
    }

    /// Reads on once nothing stands in the way. Inside `received` the loop there decides.
    func releaseIfPossible() {
        guard isHeldBack, !isClosed, !isDraining, !isWaitingForMemory, !isInsideReceived, broker != nil,
            muting == nil
        else { return }
        let produceMayFollow = outstandingAreProduce && outstanding.count < Self.outstandingMaximum / 2
        guard outstanding.isEmpty || produceMayFollow, connection.unsentBytes <= Self.unsentBytesMaximum else { return }
        isHeldBack = false
        isReading = true
        connection.resumeReading()
    }

    /// Ends the connection because of what the peer sent.
    func end(reason: String) {
        guard !isClosed else { return }
        sendWaiting()
        isClosed = true
        abandonOutstanding()
        giveBackMemory()
        listener.log.info(
            "closing connection", metadata: ["peer": "\(remoteAddress)", "reason": "\(reason)"])
        connection.closeAfterSending()
    }
}
