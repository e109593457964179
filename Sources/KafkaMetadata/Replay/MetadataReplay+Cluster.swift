// SPDX-License-Identifier: Apache-2.0
internal import KafkaProtocol

/// What a signed byte in a BrokerRegistrationChangeRecord does to a flag.
private enum FlagChange {
    static func apply(_ value: Int8, to flag: inout Bool, field: String) throws(MetadataError) {
        switch value {
        case 1: flag = true
        case -1: flag = false
        case 0: break
        default:
            throw .inconsistent(record: "BrokerRegistrationChangeRecord", reason: "\(field) is \(value)")
        }
    }
}

extension MetadataReplay {
    mutating func replay(_ record: RegisterBrokerRecord, offset: Int64) {
        newestImage.cluster.brokers[record.brokerID] = BrokerRegistration(record, registrationOffset: offset)
        delta.changedBrokers.append(record.brokerID)
    }

    mutating func replay(_ record: UnregisterBrokerRecord) throws(MetadataError) {
        try changeBroker(record.brokerID, epoch: record.brokerEpoch, in: "UnregisterBrokerRecord") { _ in }
        newestImage.cluster.brokers.removeValue(forKey: record.brokerID)
    }

    mutating func replay(_ record: FenceBrokerRecord) throws(MetadataError) {
        try changeBroker(record.id, epoch: record.epoch, in: "FenceBrokerRecord") { $0.fenced = true }
    }

    mutating func replay(_ record: UnfenceBrokerRecord) throws(MetadataError) {
        try changeBroker(record.id, epoch: record.epoch, in: "UnfenceBrokerRecord") { $0.fenced = false }
    }

    mutating func replay(_ change: BrokerRegistrationChangeRecord) throws(MetadataError) {
        try changeBroker(change.brokerID, epoch: change.brokerEpoch, in: "BrokerRegistrationChangeRecord") {
            (broker) throws(MetadataError) in
            try FlagChange.apply(change.fenced, to: &broker.fenced, field: "Fenced")
            try FlagChange.apply(
                change.inControlledShutdown, to: &broker.inControlledShutdown, field: "InControlledShutdown")
            if !change.logDirs.isEmpty { broker.logDirs = change.logDirs }
            if let cordoned = change.cordonedLogDirs { broker.cordonedLogDirs = cordoned }
        }
    }

    private mutating func changeBroker(
        _ id: Int32, epoch: Int64, in record: String,
        _ body: (inout RegisterBrokerRecord) throws(MetadataError) -> Void
    ) throws(MetadataError) {
        guard let broker = newestImage.cluster.brokers[id] else {
            throw .inconsistent(record: record, reason: "broker \(id) is not registered")
        }
        guard broker.epoch == epoch else {
            throw .inconsistent(record: record, reason: "broker \(id) has epoch \(broker.epoch), not \(epoch)")
        }
        try newestImage.cluster.brokers.update(id) { (broker) throws(MetadataError) in try body(&broker.record) }
        delta.changedBrokers.append(id)
    }

    mutating func replay(_ record: RegisterControllerRecord) {
        newestImage.cluster.controllers[record.controllerID] = record
        delta.changedControllers.append(record.controllerID)
    }

    mutating func replay(_ record: UnregisterControllerRecord) throws(MetadataError) {
        guard newestImage.cluster.controllers.removeValue(forKey: record.controllerID) != nil else {
            throw .inconsistent(
                record: "UnregisterControllerRecord", reason: "controller \(record.controllerID) is not registered")
        }
        delta.changedControllers.append(record.controllerID)
    }
}
