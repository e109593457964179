// SPDX-License-Identifier: Apache-2.0
import DequeModule
import KafkaBase
package import KafkaProtocol
package import KafkaRuntime

/// A client's connection to one broker: finds out which versions the broker speaks, sends requests, and gives each its
/// response, in order.
///
/// `@unchecked Sendable`: confined to `queue`, the reactor that serves the connection; every entry asserts it.
package final class KafkaClientConnection: @unchecked Sendable {
    /// Gets the response's frame, from its header on, which is valid until it returns.
    private typealias Completion = (Result<UnsafeRawBufferPointer, KafkaClientError>) -> Void

    private struct Outstanding {
        let correlationID: Int32
        let timer: TimerToken
        let complete: Completion
    }

    package let queue: any SerialQueue
    package let options: KafkaClientOptions
    private let connection: any Connection
    private var outstanding: Deque<Outstanding> = []
    private var lastCorrelationID: Int32 = 0
    private var offered: [Int16: ClosedRange<Int16>] = [:]
    private var failure: KafkaClientError?
    /// Runs once, on the queue, when the connection has ended.
    package var onClosed: ((KafkaClientError) -> Void)?

    /// Connects and negotiates; `completion` runs on `reactor`.
    package static func connect(
        to address: SocketAddress, network: any Network, reactor: any SerialQueue, options: KafkaClientOptions,
        completion: @escaping @Sendable (Result<KafkaClientConnection, KafkaClientError>) -> Void
    ) {
        var listenOptions = ListenOptions()
        listenOptions.idleTimeout = 0
        network.connect(to: address, on: reactor, options: listenOptions) { result in
            switch result {
            case .failure(let error):
                completion(.failure(.unreachable(error)))
                return nil
            case .success(let connection):
                let client = KafkaClientConnection(connection, options: options)
                client.negotiate(version: ApiVersionsRequest.versions.upperBound) { error in
                    if let error { return completion(.failure(error)) }
                    completion(.success(client))
                }
                return client
            }
        }
    }

    private init(_ connection: any Connection, options: KafkaClientOptions) {
        self.connection = connection
        self.options = options
        queue = connection.queue
    }

    package var isOpen: Bool { failure == nil }

    // MARK: Requests

    /// The version that requests of `type` are sent in; nil when there is none in common.
    package func version<Request: RequestMessage>(of type: Request.Type) -> Int16? {
        guard let range = offered[Request.apiKey.rawValue] else { return nil }
        let ceiling = options.versionCeilings[Request.apiKey] ?? .max
        let newest = min(range.upperBound, Request.versions.upperBound, ceiling)
        return newest >= max(range.lowerBound, Request.versions.lowerBound) ? newest : nil
    }

    /// Sends `request` in the newest common version, or in `version`. `completion` runs once; record bytes in the
    /// response are valid until it returns.
    package func send<Request: RequestMessage>(
        _ request: Request, version explicit: Int16? = nil,
        completion: @escaping (Result<Request.Response, KafkaClientError>) -> Void
    ) {
        guard let version = explicit ?? version(of: Request.self) else {
            return completion(.failure(.notOffered(Request.apiKey)))
        }
        exchange(request, version: version) { result in
            completion(
                result.flatMap { frame in
                    do throws(WireError) {
                        return .success(try Self.decode(frame, Request.Response.self, version: version))
                    } catch {
                        return .failure(.wire(error))
                    }
                })
        }
    }

    /// Sends a request that has no response (Produce with acks 0).
    package func sendOneWay<Request: RequestMessage>(
        _ request: Request, version: Int16
    ) throws(KafkaClientError) {
        queue.assertCurrent()
        if let failure { throw failure }
        try write(request, version: version)
    }

    /// Ends the connection; requests that wait for a response fail.
    package func close() {
        queue.assertCurrent()
        connection.close()
    }

    private func exchange<Request: RequestMessage>(
        _ request: Request, version: Int16, _ complete: @escaping Completion
    ) {
        queue.assertCurrent()
        if let failure { return complete(.failure(failure)) }
        guard outstanding.count < options.maximumOutstanding else { return complete(.failure(.tooManyRequests)) }
        do throws(KafkaClientError) {
            try write(request, version: version)
        } catch {
            return complete(.failure(error))
        }
        let api = Request.apiKey
        let timer = queue.schedule(after: options.requestTimeout) { [self] in fail(.timedOut(api)) }
        outstanding.append(Outstanding(correlationID: lastCorrelationID, timer: timer, complete: complete))
    }

    private func write<Request: RequestMessage>(_ request: Request, version: Int16) throws(KafkaClientError) {
        let correlationID = lastCorrelationID == .max ? 1 : lastCorrelationID + 1
        var writer = ByteWriter(capacity: 1_024)
        do throws(WireError) {
            try Frame.write(
                request, version: version, correlationID: correlationID, clientID: options.clientID, into: &writer)
        } catch {
            throw .wire(error)
        }
        lastCorrelationID = correlationID
        connection.send(writer.bytes)
    }

    private static func decode<Response: ResponseMessage>(
        _ frame: UnsafeRawBufferPointer, _ type: Response.Type, version: Int16
    ) throws(WireError) -> Response {
        var reader = ByteReader(frame)
        let headerVersion = ResponseHeader.headerVersion(apiKey: Response.apiKey, version: version)
        _ = try ResponseHeader(from: &reader, version: headerVersion)
        let response = try Response(from: &reader, version: version)
        try reader.expectEnd()
        return response
    }

    // MARK: Negotiation

    private enum Negotiation {
        case settled
        /// The broker does not know the version and offers an older one.
        case ask(version: Int16)
        case failed(KafkaClientError)
    }

    /// Asks which versions the broker speaks. A broker that does not know the asked version says so in version 0
    /// and names the newest it knows, which is asked for next (KIP-511).
    private func negotiate(version: Int16, _ completion: @escaping (KafkaClientError?) -> Void) {
        let request = ApiVersionsRequest(
            clientSoftwareName: version >= 3 ? "swiftkafka-simulator" : "",
            clientSoftwareVersion: version >= 3 ? "1" : "")
        exchange(request, version: version) { [self] result in
            switch result.map({ judge($0, version: version) }) {
            case .success(.settled):
                completion(nil)
            case .success(.ask(let older)):
                negotiate(version: older, completion)
            case .success(.failed(let error)), .failure(let error):
                fail(error)
                completion(error)
            }
        }
    }

    private func judge(_ frame: UnsafeRawBufferPointer, version: Int16) -> Negotiation {
        do throws(WireError) {
            var reader = ByteReader(frame)
            try reader.skip(4)
            let isUnknown = try reader.readInt16() == ErrorCode.unsupportedVersion.rawValue
            let response = try Self.decode(frame, ApiVersionsResponse.self, version: isUnknown ? 0 : version)
            if isUnknown, version > 0 {
                let known = response.apiKeys.first { $0.apiKey == APIKey.apiVersions.rawValue }
                return .ask(version: max(0, min(version - 1, known?.maxVersion ?? 0)))
            }
            guard response.errorCode == 0 else {
                return .failed(.refused(ErrorCode(rawValue: response.errorCode) ?? .unknownServerError))
            }
            for api in response.apiKeys where api.minVersion <= api.maxVersion {
                offered[api.apiKey] = api.minVersion...api.maxVersion
            }
            return .settled
        } catch {
            return .failed(.wire(error))
        }
    }

    // MARK: The end

    /// Ends the connection for a reason of its own.
    private func fail(_ error: KafkaClientError) {
        guard failure == nil else { return }
        failure = error
        connection.close()
    }
}

extension KafkaClientConnection: ConnectionHandler {
    package func received(_ bytes: UnsafeMutableRawBufferPointer) -> Consumption {
        var used = 0
        while failure == nil {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[used...])
            do throws(WireError) {
                guard let length = try Frame.length(in: rest, limit: options.maximumResponseBytes) else {
                    return Consumption(consumed: used)
                }
                let size = Frame.prefixSize + length
                guard rest.count >= size else { return Consumption(consumed: used, needed: size) }
                complete(UnsafeRawBufferPointer(rebasing: rest[Frame.prefixSize..<size]))
                used += size
            } catch {
                fail(.wire(error))
            }
        }
        return Consumption(consumed: bytes.count)
    }

    /// Gives a received frame to the request that has waited longest, whose it must be.
    private func complete(_ frame: UnsafeRawBufferPointer) {
        var reader = ByteReader(frame)
        guard let correlationID = try? reader.readInt32() else { return fail(.violation("a frame without a header")) }
        guard let request = outstanding.popFirst() else {
            return fail(.violation("response \(correlationID) to nothing"))
        }
        queue.cancel(request.timer)
        guard correlationID == request.correlationID else {
            let error = KafkaClientError.violation("response \(correlationID) where \(request.correlationID) was due")
            fail(error)
            return request.complete(.failure(error))
        }
        request.complete(.success(frame))
    }

    package func drained() {}

    package func closed(_ reason: CloseReason) {
        let error = failure ?? .closed(reason)
        failure = error
        let waiting = outstanding
        outstanding = []
        for request in waiting {
            queue.cancel(request.timer)
            request.complete(.failure(error))
        }
        onClosed?(error)
        onClosed = nil
    }
}
