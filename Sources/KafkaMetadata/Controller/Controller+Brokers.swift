// SPDX-License-Identifier: Apache-2.0
private import KafkaBase
package import KafkaProtocol

extension Controller {
    // MARK: Registration

    /// BrokerRegistration (key 62): admits a broker, fenced, or amends the registration of the same incarnation.
    ///
    /// A different incarnation is refused while the old one's session lasts. This node's own broker is the exception: it
    /// lives in this process, so a new incarnation proves that the old one is gone, and it need not wait.
    ///
    /// - Parameter nextOffset: the offset that the first record of the result will get; it becomes the broker's epoch.
    package mutating func registerBroker(
        _ request: BrokerRegistrationRequest, nextOffset: Int64, now: Int64
    ) -> ControllerResult<BrokerRegistrationResponse> {
        do throws(APIError) {
            let existing = image.cluster.broker(request.brokerID)
            try checkRegistration(request, existing: existing, now: now)
            var record = try registrationRecord(request)
            var records: [MetadataRecord] = []
            if let existing, existing.incarnationID == request.incarnationID {
                record.fenced = existing.isFenced
                record.inControlledShutdown = existing.isInControlledShutdown
                record.brokerEpoch = existing.epoch
            } else {
                record.brokerEpoch = nextOffset
                if let existing { records = changes(replacing: existing, previousEpoch: request.previousBrokerEpoch) }
            }
            records.append(.registerBroker(record))
            sessions.remove(request.brokerID)
            sessions.touch(request.brokerID, metadataOffset: -1, now: now)
            return ControllerResult(
                records, .severalBatches, response: BrokerRegistrationResponse(brokerEpoch: record.brokerEpoch))
        } catch {
            return ControllerResult(response: BrokerRegistrationResponse(errorCode: error.code.rawValue))
        }
    }

    /// What the end of a broker's old incarnation means for its partitions. It has stopped cleanly if it left the epoch
    /// of its registration behind.
    private func changes(replacing existing: BrokerRegistration, previousEpoch: Int64) -> [MetadataRecord] {
        let isClean = previousEpoch == existing.epoch
        return partitionChanges(
            isClean || !image.features.keepsEligibleLeaderReplicas
                ? .leaves(existing.id) : .stoppedUncleanly(existing.id))
    }

    private func checkRegistration(
        _ request: BrokerRegistrationRequest, existing: BrokerRegistration?, now: Int64
    ) throws(APIError) {
        guard request.clusterID == settings.clusterID else {
            throw APIError(
                .inconsistentClusterID,
                "Expected cluster ID \(settings.clusterID), but got cluster ID \(request.clusterID)")
        }
        if let existing, existing.incarnationID != request.incarnationID, request.brokerID != settings.nodeID,
            sessions.isValid(request.brokerID, timeout: settings.sessionTimeoutMilliseconds, now: now)
        {
            throw APIError(.duplicateBrokerRegistration, "Another broker is registered with that broker id.")
        }
        if request.isMigratingZkBroker {
            throw APIError(.brokerIDNotRegistered, "Controller does not support registering ZK brokers.")
        }
        if image.metadataVersion.supportsDirectories { try checkDirectories(request) }
    }

    private func checkDirectories(_ request: BrokerRegistrationRequest) throws(APIError) {
        if request.logDirs.isEmpty { throw APIError(.invalidRegistration, "No directories specified in request") }
        let sorted = request.logDirs.sorted()
        for (index, directory) in sorted.enumerated() {
            if DirectoryID.isReserved(directory) {
                throw APIError(.invalidRegistration, "Reserved directory ID in request")
            }
            if index > 0, sorted[index - 1] == directory {
                throw APIError(.invalidRegistration, "Duplicate directory ID in request")
            }
            if let owner = image.cluster.broker(ofDirectory: directory), owner != request.brokerID {
                throw APIError(
                    .invalidRegistration, "Broker \(owner) is already registered with directory \(directory)")
            }
        }
    }

    private func registrationRecord(_ request: BrokerRegistrationRequest) throws(APIError) -> RegisterBrokerRecord {
        var record = RegisterBrokerRecord()
        record.brokerID = request.brokerID
        record.incarnationID = request.incarnationID
        record.rack = request.rack
        record.fenced = true
        record.endPoints = request.listeners.map {
            .init(name: $0.name, host: $0.host, port: $0.port, securityProtocol: $0.securityProtocol)
        }
        record.features = request.features.map {
            .init(
                name: $0.name, minSupportedVersion: $0.minSupportedVersion,
                maxSupportedVersion: $0.maxSupportedVersion)
        }
        if image.metadataVersion.supportsDirectories { record.logDirs = request.logDirs.sorted() }
        for (name, level) in image.features.all where level > 0 {
            let feature = request.features.first { $0.name == name }
            let low = feature?.minSupportedVersion ?? 0
            let high = feature?.maxSupportedVersion ?? 0
            guard low <= level, level <= high else {
                throw APIError(
                    .unsupportedVersion,
                    "Unable to register because the broker does not support finalized version \(level) of \(name). "
                        + "The broker wants a version between \(low) and \(high), inclusive.")
            }
        }
        return record
    }

    /// UnregisterBroker (key 64): removes a broker for good.
    package mutating func unregisterBroker(
        _ request: UnregisterBrokerRequest
    ) -> ControllerResult<UnregisterBrokerResponse> {
        guard let broker = image.cluster.broker(request.brokerID) else {
            let error = APIError(.brokerIDNotRegistered, "Broker ID \(request.brokerID) is not currently registered")
            return ControllerResult(
                response: UnregisterBrokerResponse(errorCode: error.code.rawValue, errorMessage: error.message))
        }
        var records = partitionChanges(.leaves(broker.id))
        records.append(.unregisterBroker(UnregisterBrokerRecord(brokerID: broker.id, brokerEpoch: broker.epoch)))
        sessions.remove(broker.id)
        return ControllerResult(records, .severalBatches, response: UnregisterBrokerResponse())
    }

    // MARK: Heartbeat

    private enum BrokerState {
        case fenced
        case unfenced
        case controlledShutdown
        case shutdownNow
    }

    /// BrokerHeartbeat (key 63): keeps a broker's session and moves it between fenced, serving and stopping.
    ///
    /// - Parameter nextOffset: the offset that the first record of the result will get.
    package mutating func brokerHeartbeat(
        _ request: BrokerHeartbeatRequest, nextOffset: Int64, now: Int64
    ) -> ControllerResult<BrokerHeartbeatResponse> {
        do throws(APIError) {
            let broker = try checkBroker(request.brokerID, epoch: request.brokerEpoch)
            let current = Self.state(of: broker)
            let next = nextState(of: broker, current, request)
            let records =
                directoryRecords(broker, request) + (next == current ? [] : transitionRecords(broker, to: next))
            sessions.touch(broker.id, metadataOffset: request.currentMetadataOffset, now: now)
            if next == .controlledShutdown, current != next {
                sessions.beginShutdown(broker.id, offset: nextOffset + Int64(records.count) - 1)
            }
            return ControllerResult(
                records, .severalBatches,
                response: BrokerHeartbeatResponse(
                    isCaughtUp: request.currentMetadataOffset >= broker.registrationOffset,
                    isFenced: next == .fenced || next == .shutdownNow, shouldShutDown: next == .shutdownNow))
        } catch {
            return ControllerResult(response: BrokerHeartbeatResponse(errorCode: error.code.rawValue))
        }
    }

    private static func state(of broker: BrokerRegistration) -> BrokerState {
        if broker.isFenced { return .fenced }
        return broker.isInControlledShutdown ? .controlledShutdown : .unfenced
    }

    private func nextState(
        of broker: BrokerRegistration, _ current: BrokerState, _ request: BrokerHeartbeatRequest
    ) -> BrokerState {
        switch current {
        case .fenced:
            if request.wantShutDown { return .shutdownNow }
            let isCaughtUp = request.currentMetadataOffset >= broker.registrationOffset
            return !request.wantFence && isCaughtUp ? .unfenced : .fenced
        case .unfenced:
            if request.wantFence { return request.wantShutDown ? .shutdownNow : .fenced }
            guard request.wantShutDown else { return .unfenced }
            return hasLeaderships(broker.id) ? .controlledShutdown : .shutdownNow
        case .controlledShutdown, .shutdownNow:
            let others = image.cluster.allBrokers.filter { $0.isActive && $0.id != broker.id }.map(\.id)
            let mayGo = !hasLeaderships(broker.id) && sessions.mayShutDown(broker.id, others: others)
            return mayGo ? .shutdownNow : .controlledShutdown
        }
    }

    private func hasLeaderships(_ id: Int32) -> Bool {
        image.topics.all.contains { topic in topic.partitions.contains { $0.value.leader == id } }
    }

    private func transitionRecords(_ broker: BrokerRegistration, to next: BrokerState) -> [MetadataRecord] {
        switch next {
        case .fenced, .shutdownNow:
            if broker.isFenced { return [] }
            return fencingRecords(broker)
        case .unfenced:
            return [fencingChange(broker, isFenced: false)] + partitionChanges(.returns(broker.id))
        case .controlledShutdown:
            var records: [MetadataRecord] = []
            if image.metadataVersion.supportsControlledShutdown {
                var change = BrokerRegistrationChangeRecord()
                change.brokerID = broker.id
                change.brokerEpoch = broker.epoch
                change.inControlledShutdown = 1
                records.append(.brokerRegistrationChange(change))
            }
            return records + partitionChanges(.leaves(broker.id))
        }
    }

    /// The partitions move first: should only a part be written, the broker is not yet fenced and is dealt with again.
    private func fencingRecords(_ broker: BrokerRegistration) -> [MetadataRecord] {
        partitionChanges(.leaves(broker.id)) + [fencingChange(broker, isFenced: true)]
    }

    private func fencingChange(_ broker: BrokerRegistration, isFenced: Bool) -> MetadataRecord {
        guard image.metadataVersion.supportsRegistrationChange else {
            return isFenced
                ? .fenceBroker(FenceBrokerRecord(id: broker.id, epoch: broker.epoch))
                : .unfenceBroker(UnfenceBrokerRecord(id: broker.id, epoch: broker.epoch))
        }
        var change = BrokerRegistrationChangeRecord()
        change.brokerID = broker.id
        change.brokerEpoch = broker.epoch
        change.fenced = isFenced ? 1 : -1
        return .brokerRegistrationChange(change)
    }

    /// Fences the brokers that have not been heard of for the session timeout, one call after the other: nil when none is
    /// left. To be asked a few times a second. This node's own broker needs no session: while this runs, it runs.
    package mutating func fenceExpiredBroker(now: Int64) -> ControllerResult<Int32>? {
        let expired = image.cluster.allBrokers.first { broker in
            !broker.isFenced && broker.id != settings.nodeID
                && !sessions.isValid(broker.id, timeout: settings.sessionTimeoutMilliseconds, now: now)
        }
        guard let expired else { return nil }
        return ControllerResult(fencingRecords(expired), .severalBatches, response: expired.id)
    }

    // MARK: Controllers

    /// ControllerRegistration (key 70): notes a controller's listeners and features; nothing where they are known.
    package func registerController(
        _ request: ControllerRegistrationRequest
    ) -> ControllerResult<ControllerRegistrationResponse> {
        guard image.metadataVersion.supportsControllerRegistration else {
            return ControllerResult(
                response: ControllerRegistrationResponse(
                    errorCode: ErrorCode.unsupportedVersion.rawValue,
                    errorMessage: "The current metadata.version is too old to support controller registrations."))
        }
        var record = RegisterControllerRecord()
        record.controllerID = request.controllerID
        record.incarnationID = request.incarnationID
        record.zkMigrationReady = false
        record.endPoints = request.listeners.map {
            .init(name: $0.name, host: $0.host, port: $0.port, securityProtocol: $0.securityProtocol)
        }
        record.features = request.features.map {
            .init(
                name: $0.name, minSupportedVersion: $0.minSupportedVersion,
                maxSupportedVersion: $0.maxSupportedVersion)
        }
        return ControllerResult([.registerController(record)], response: ControllerRegistrationResponse())
    }
}
