// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import KafkaRuntime

/// Makes, alters and deletes topics, and deletes records, one thing after the other.
///
/// `@unchecked Sendable`: confined to its client's queue; what is read from outside is read between events.
final class SwarmAdmin: @unchecked Sendable {
    private let plan: SwarmPlan
    let client: KafkaClient
    private let model: SwarmModel
    private var random: Xoshiro256
    private var isStopped = false
    /// In the end nothing is deleted or altered any more, only looked at and made.
    private var isCareful = false
    private var offersAlteration = true
    /// Names that the broker was last heard to have; nil before the first time.
    private(set) var seen: [String: KafkaUUID]?
    /// Times it has looked since it is careful.
    private(set) var carefulLooks = 0
    private var owesLook = false

    init(_ plan: SwarmPlan, model: SwarmModel, client: KafkaClient, seed: UInt64) {
        self.plan = plan
        self.model = model
        self.client = client
        random = Xoshiro256(seed: seed)
    }

    func start() { client.queue.async { [self] in look() } }
    func stop() { isStopped = true }

    func becomeCareful() {
        isCareful = true
        carefulLooks = 0
    }

    private func again() {
        guard !isStopped else { return }
        let pause = isCareful ? 200 : random.value(in: plan.admin.pause)
        client.queue.schedule(after: pause) { [self] in look() }
    }

    /// Asks for all topics, then does one thing.
    private func look() {
        guard !isStopped else { return }
        let wasCareful = isCareful
        client.send(MetadataRequest(topics: nil), to: KafkaClient.anyBroker) { [self] result in
            guard case .success(let response) = result else { return again() }
            take(response)
            if wasCareful, plan.topics.allSatisfy({ seen?[$0.name] != nil }) { carefulLooks += 1 }
            act()
        }
    }

    private func take(_ response: MetadataResponse) {
        var found: [String: KafkaUUID] = [:]
        for topic in response.topics {
            guard let name = topic.name, topic.errorCode == 0, let plan = plan.topics.first(where: { $0.name == name })
            else { continue }
            found[name] = topic.topicID
            let known = model.register(plan, id: topic.topicID)
            if known.isDeleted { model.find("topic \(name) (\(topic.topicID)) was deleted and is there again") }
        }
        for topic in model.topics where !topic.isDeleted && !topic.isDeletionAsked && found[topic.plan.name] != topic.id
        {
            model.find("topic \(topic.plan.name) (\(topic.id)) is gone; nobody deleted it")
        }
        for topic in model.topics where topic.isDeletionAsked && found[topic.plan.name] != topic.id {
            topic.isDeleted = true
        }
        seen = found
    }

    private func act() {
        if let missing = plan.topics.first(where: { seen?[$0.name] == nil }) { return create(missing) }
        guard !isCareful, let topic = model.usableTopics.randomElement(using: &random) else { return again() }
        let dice = random.value(in: 0...9 as ClosedRange<Int>)
        if plan.admin.churns, dice < 9 { return dice < 3 ? delete(topic) : deleteRecords(topic) }
        switch dice {
        case 0 where plan.admin.deletesTopics: delete(topic)
        case 1...5 where plan.admin.deletesRecords: deleteRecords(topic)
        case 6...9 where plan.admin.altersConfigs && offersAlteration: alter(topic)
        default: again()
        }
    }

    private func create(_ topic: SwarmPlan.Topic) {
        let request = CreateTopicsRequest(topics: [
            .init(
                name: topic.name, numPartitions: topic.partitions, replicationFactor: 1,
                configs: topic.configs.map { .init(name: $0.name, value: $0.value) })
        ])
        client.send(request, to: KafkaClient.anyBroker) { [self] result in
            defer { again() }
            guard let answer = (try? result.get())?.topics.first else { return }
            switch ErrorCode(rawValue: answer.errorCode) {
            case ErrorCode.none?: model.register(topic, id: answer.topicID)
            case .topicAlreadyExists?: break
            case let code?:
                if !code.isRetriable {
                    model.find("creating \(topic.name) got \(code.name): \(answer.errorMessage ?? "")")
                }
            case nil: model.find("creating \(topic.name) got error \(answer.errorCode)")
            }
        }
    }

    private func delete(_ topic: TopicModel) {
        topic.isDeletionAsked = true
        model.note("asks to delete \(topic.plan.name) (\(topic.id))")
        let request = DeleteTopicsRequest(topics: [.init(name: nil, topicID: topic.id)], timeoutMs: 10_000)
        client.send(request, to: KafkaClient.anyBroker) { [self] result in
            defer { again() }
            guard let answer = (try? result.get())?.responses.first else { return }
            switch ErrorCode(rawValue: answer.errorCode) {
            case ErrorCode.none?, .unknownTopicID?: topic.isDeleted = true
            case let code? where code.isRetriable: break
            default: model.find("deleting \(topic.plan.name) got \(SwarmProducer.name(answer.errorCode))")
            }
        }
    }

    private func deleteRecords(_ topic: TopicModel) {
        let partition = topic.partitions[random.value(in: 0...topic.partitions.count - 1)]
        let toEnd = random.chance(1, in: 4)
        let offset = toEnd ? -1 : random.value(in: 0...partition.knownEnd)
        let before = partition.deletedUpTo
        model.note("asks to delete records of \(partition.name) up to \(offset)")
        // With -1 the broker takes the high watermark, wherever that is then.
        partition.deletedUpTo = toEnd ? .max : max(before, offset)
        let request = DeleteRecordsRequest(
            topics: [
                .init(name: topic.plan.name, partitions: [.init(partitionIndex: partition.index, offset: offset)])
            ],
            timeoutMs: 10_000)
        let losses = model.losses
        client.send(request, to: KafkaClient.anyBroker) { [self] result in
            defer { again() }
            guard let answer = (try? result.get())?.topics.first?.partitions.first else { return }
            switch ErrorCode(rawValue: answer.errorCode) {
            case ErrorCode.none?:
                guard losses == model.losses else { return }
                if toEnd { partition.deletedUpTo = max(before, answer.lowWatermark) }
                if !topic.isDeletionAsked, answer.lowWatermark < offset {
                    model.find("\(partition.name): deleting up to \(offset) left a start of \(answer.lowWatermark)")
                }
            case .offsetOutOfRange?, .unknownTopicOrPartition?, .policyViolation?: break
            case let code? where code.isRetriable: break
            default:
                model.find("\(partition.name): deleting records got \(SwarmProducer.name(answer.errorCode))")
            }
        }
    }

    private func alter(_ topic: TopicModel) {
        var configs: [IncrementalAlterConfigsRequest.AlterableConfig] = []
        switch random.value(in: 0...3 as ClosedRange<Int>) {
        case 0 where topic.limits.retentionMs >= 0:
            let value = random.value(in: 500...20_000 as ClosedRange<Int64>)
            topic.limits.allow(retentionMs: value)
            configs.append(.init(name: "retention.ms", configOperation: 0, value: "\(value)"))
        case 1 where topic.limits.retentionBytes >= 0:
            let value = random.value(in: 0...20_000 as ClosedRange<Int64>)
            topic.limits.allow(retentionBytes: value)
            configs.append(.init(name: "retention.bytes", configOperation: 0, value: "\(value)"))
        case 2:
            let value = topic.plan.segmentBytes + random.value(in: 0...20_000 as ClosedRange<Int>)
            configs.append(.init(name: "internal.segment.bytes", configOperation: 0, value: "\(value)"))
        default:
            let value = random.value(in: 200...10_000 as ClosedRange<Int64>)
            configs.append(.init(name: "segment.ms", configOperation: 0, value: "\(value)"))
        }
        model.note("asks to set \(configs[0].name)=\(configs[0].value ?? "") of \(topic.plan.name)")
        let request = IncrementalAlterConfigsRequest(resources: [
            .init(resourceType: 2, resourceName: topic.plan.name, configs: configs)
        ])
        client.send(request, to: KafkaClient.anyBroker) { [self] result in
            defer { again() }
            switch result {
            case .failure(.notOffered): offersAlteration = false
            case .failure: break
            case .success(let response):
                guard let answer = response.responses.first else { return }
                switch ErrorCode(rawValue: answer.errorCode) {
                case ErrorCode.none?, .unknownTopicOrPartition?: break
                case let code? where code.isRetriable: break
                default:
                    model.find(
                        "altering \(topic.plan.name) got \(SwarmProducer.name(answer.errorCode)): "
                            + (answer.errorMessage ?? ""))
                }
            }
        }
    }
}
