// SPDX-License-Identifier: Apache-2.0
import Foundation
import KafkaRuntime
import Testing

@testable import DispatchRuntime

#if os(Linux)
    @Suite struct SocketOptionsTests {
        @Test(arguments: [
            ("127.0.0.1", "reno"), ("127.8.9.1", "reno"), ("::1", "reno"),
            ("10.0.0.127", nil), ("::", nil), ("fd00::1", nil), ("", nil),
        ])
        func `what stays on the machine is not paced, and other connections are left alone`(
            peer: String, expected: String?
        ) throws {
            let socket = try Platform.makeSocket(family: AF_INET)
            defer { Syscall.closeDescriptor(socket) }
            // Where the machine's default is another one than reno, both a wrong change and a missing one show.
            for start in [try congestionControl(socket), "reno"] {
                try setCongestionControl(socket, start)
                SocketOptions.setStream(socket, peer: SocketAddress(host: peer, port: 9092))
                #expect(try congestionControl(socket) == expected ?? start)
            }
        }

        private func setCongestionControl(_ socket: Int32, _ name: String) throws {
            let result = setsockopt(
                socket, Int32(IPPROTO_TCP), TCP_CONGESTION, name, socklen_t(name.utf8.count))
            try #require(result == 0)
        }

        private func congestionControl(_ socket: Int32) throws -> String {
            var name = [UInt8](repeating: 0, count: 16)
            var length = socklen_t(name.count)
            let result = getsockopt(socket, Int32(IPPROTO_TCP), TCP_CONGESTION, &name, &length)
            try #require(result == 0)
            return String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
        }
    }
#endif
