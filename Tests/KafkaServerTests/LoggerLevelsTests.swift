// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import KafkaServer
import KafkaSimulator
import Logging
import Testing

/// The levels of loggers, by themselves and through resource type 8 of IncrementalAlterConfigs and DescribeConfigs.
@Suite struct LoggerLevelsTests {
    private func loggers(_ log: TestLog, levels: [String: Logger.Level] = [:]) -> ComponentLoggers {
        let make = log.loggers
        return ComponentLoggers { component in
            var logger = make.logger(component)
            logger.logLevel = levels[component] ?? .info
            return logger
        }
    }

    @Test func `a level takes effect for loggers that were made before`() {
        let log = TestLog()
        let loggers = loggers(log)
        let network = loggers.logger("network")
        network.debug("quiet")
        loggers.levels.set("network", to: .debug)
        network.debug("said")
        loggers.levels.set("network", to: nil)
        network.debug("quiet again")
        #expect(log.contains("said") && !log.contains("quiet"))
    }

    @Test func `loggers without a level of their own follow root`() {
        let log = TestLog()
        let loggers = loggers(log, levels: ["storage": .error])
        let (network, storage) = (loggers.logger("network"), loggers.logger("storage"))
        loggers.levels.set("root", to: .trace)
        #expect(network.logLevel == .trace && storage.logLevel == .error)
        loggers.levels.set("network", to: .warning)
        #expect(network.logLevel == .warning)
        #expect(loggers.levels.all.map(\.name) == ["network", "root", "storage"])
        #expect(loggers.levels.all.map(\.level) == [.warning, .trace, .error])
    }

    @Test func `a copy of a logger may have a level of its own`() {
        let loggers = loggers(TestLog())
        let one = loggers.logger("network")
        var other = one
        other.logLevel = .trace
        #expect(one.logLevel == .info && other.logLevel == .trace)
    }

    // MARK: Requests

    private func alter(
        _ broker: TestBroker, _ changes: [(String, Int8, String?)], node: String = "1", validateOnly: Bool = false
    ) throws -> ErrorCode {
        let response = try broker.call(
            IncrementalAlterConfigsRequest(
                resources: [
                    .init(
                        resourceType: 8, resourceName: node,
                        configs: changes.map { .init(name: $0.0, configOperation: $0.1, value: $0.2) })
                ], validateOnly: validateOnly))
        return ErrorCode(try #require(response.responses.first).errorCode)
    }

    private func levels(_ broker: TestBroker) throws -> [String: String] {
        let response = try broker.call(
            DescribeConfigsRequest(resources: [
                .init(resourceType: 8, resourceName: "1", configurationKeys: nil)
            ]))
        let result = try #require(response.results.first)
        #expect(result.errorCode == 0)
        #expect(result.configs.allSatisfy { $0.configSource == 6 && !$0.readOnly })
        return Dictionary(uniqueKeysWithValues: result.configs.map { ($0.name, $0.value ?? "") })
    }

    @Test func `levels are described and changed by requests`() throws {
        let broker = try TestBroker()
        let before = try levels(broker)
        #expect(Set(before.keys).isSuperset(of: ["metadata", "network", "request", "root", "server", "storage"]))
        #expect(try alter(broker, [("network", 0, "ERROR")], validateOnly: true) == .none)
        #expect(try levels(broker) == before)
        #expect(try alter(broker, [("network", 0, "ERROR"), ("storage", 0, "FATAL")]) == .none)
        #expect(try levels(broker)["network"] == "ERROR")
        #expect(try levels(broker)["storage"] == "FATAL")
        #expect(try alter(broker, [("network", 1, nil)]) == .none)
        #expect(try levels(broker)["network"] == before["network"])
    }

    @Test(
        arguments: [
            ([("network", 0, "LOUD")], "1", ErrorCode.invalidConfig), ([("nothing", 0, "INFO")], "1", .invalidConfig),
            ([("nothing", 1, nil)], "1", .invalidConfig), ([("root", 1, nil)], "1", .invalidRequest),
            ([("network", 2, "INFO")], "1", .invalidRequest), ([("network", 0, nil)], "1", .invalidRequest),
            ([("network", 9, "INFO")], "1", .invalidRequest), ([("network", 0, "INFO")], "2", .invalidRequest),
            ([("network", 0, "INFO")], "", .invalidRequest), ([("network", 0, "INFO")], "one", .invalidRequest),
            ([("network", 0, "INFO"), ("network", 1, nil)], "1", .invalidRequest),
        ] as [([(String, Int8, String?)], String, ErrorCode)])
    func `changes that make no sense are refused whole`(
        changes: [(String, Int8, String?)], node: String, code: ErrorCode
    ) throws {
        let broker = try TestBroker()
        let before = try levels(broker)
        #expect(try alter(broker, [("server", 0, "TRACE")] + changes, node: node) == code)
        #expect(try levels(broker) == before)
    }

    @Test func `loggers of nobody, of another broker, and all at once are refused`() throws {
        let broker = try TestBroker()
        for name in ["", "2", "one"] {
            let response = try broker.call(
                DescribeConfigsRequest(resources: [.init(resourceType: 8, resourceName: name, configurationKeys: nil)]))
            #expect(ErrorCode(response.results[0].errorCode) == .invalidRequest)
        }
        let replaced = try broker.call(
            AlterConfigsRequest(resources: [
                .init(resourceType: 8, resourceName: "1", configs: [.init(name: "network", value: "INFO")])
            ]))
        #expect(ErrorCode(replaced.responses[0].errorCode) == .invalidRequest)
        let twice = try broker.call(
            IncrementalAlterConfigsRequest(
                resources: ["1", "1"].map {
                    .init(
                        resourceType: 8, resourceName: $0,
                        configs: [.init(name: "network", configOperation: 0, value: "INFO")])
                }))
        #expect(twice.responses.map { ErrorCode($0.errorCode) } == [.invalidRequest, .invalidRequest])
    }
}
