// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import KafkaServer
import Testing

@Suite struct FindCoordinatorHandlerTests {
    private func answer(_ request: FindCoordinatorRequest, version: Int16) throws -> FindCoordinatorResponse {
        let response = FindCoordinatorHandler.answer(request, version: version)
        // Every answer must fit its version.
        var writer = ByteWriter()
        try response.encode(into: &writer, version: version)
        return response
    }

    @Test(arguments: FindCoordinatorHandler.servedVersions.lowerBound...3)
    func `one key is answered with an error and no node`(version: Int16) throws {
        let response = try answer(FindCoordinatorRequest(key: "g"), version: version)
        #expect(response.errorCode == ErrorCode.coordinatorNotAvailable.rawValue)
        #expect(response.nodeID == -1 && response.port == -1 && response.host == "")
    }

    @Test(arguments: 4...FindCoordinatorHandler.servedVersions.upperBound)
    func `each of many keys is answered`(version: Int16) throws {
        let response = try answer(FindCoordinatorRequest(keyType: 1, coordinatorKeys: ["a", "b"]), version: version)
        #expect(response.coordinators.map(\.key) == ["a", "b"])
        let errors = response.coordinators.map(\.errorCode)
        #expect(errors.allSatisfy { $0 == ErrorCode.coordinatorNotAvailable.rawValue })
    }

    @Test(arguments: [(5, 2), (6, 3), (1, -1)] as [(Int16, Int8)])
    func `an unknown kind of key is an invalid request`(version: Int16, keyType: Int8) throws {
        let response = try answer(
            FindCoordinatorRequest(key: "k", keyType: keyType, coordinatorKeys: version >= 4 ? ["k"] : []),
            version: version)
        let error = version >= 4 ? response.coordinators.first?.errorCode : response.errorCode
        #expect(error == ErrorCode.invalidRequest.rawValue)
    }
}
