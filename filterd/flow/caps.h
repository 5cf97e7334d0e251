// SPDX-License-Identifier: GPL-3.0-or-later
// Every limit of what a stranger can make the flow table hold, in one place, each with its reason.
// What happens at a limit is decided by policy (engine/policy.h), never here.
#pragma once

enum {
	// One stream buffer. A ClientHello with post-quantum keys (1.8 kB) fits into one, so that most
	// flows hold a single buffer, and only between the hello and the server's reply.
	STREAM_BUFFER_BYTES = 2048,

	// Bytes of the client's stream that are kept and read before a flow is decided: twice the longest
	// super-packet, so that one fits wherever it starts. OpenSSL takes
	// hellos of up to 128 kB, but none of over 20 kB has a use; one of TLS_HELLO_MAX cut into records
	// of eight bytes and more fits.
	STREAM_MAX = 128 * 1024,

	// One client (an IPv4 address, an IPv6 /56) holds at most this part of a pool of stream buffers with
	// what is not read to its end; by default 1024 half-read hellos at a time, or 2 MB. Above it the
	// client's packets are dropped until others of its own are read: it sends them again. Without
	// it, a client could fill the pool with half hellos to have another one of its own forgotten.
	STREAM_QUOTA_PART = 16,

	// But never less than one whole stream.
	STREAM_QUOTA_MIN = STREAM_MAX / STREAM_BUFFER_BYTES,

	// What of a body is skipped at a time, and in all gaps of a stream together: more than any window
	// (RFC 7323, section 2.2: 1 GB) is not in flight, and less than half the sequence space.
	STREAM_GAP_MAX = 1 << 28,
	STREAM_GAPS_MAX = 1 << 29,

	// How far a client may be ahead of twice what it sent: bytes that were lost before they came here, or
	// passed while nobody read the queue. Without a limit, a few segments that never reach the
	// server would lead around the sequence space (4 GB), to the same numbers once more.
	STREAM_AHEAD_MAX = 1 << 26,

	// Shorter runs are kept like text: a gap is listed with 8 bytes, and there is room for 256.
	STREAM_GAP_MIN = 512,

#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
	STREAM_ACCOUNTS = 64, // a fuzzer makes the tables anew for each input
#else
	// Counters that clients are hashed to, keyed with a secret. Two clients with one counter share one
	// quota: it takes one of 16,000 to be slowed down by a stranger's flood, who can't choose whom.
	STREAM_ACCOUNTS = 16384,
#endif

	// Seconds without a packet after which a flow that is not read to the end of a message is given up.
	// Servers wait about as long for a hello or a request (nginx and Apache: 60 s); nobody's
	// retransmissions are this far apart in a handshake that still goes on.
	FLOW_HALF_READ_S = 60,

	// Seconds without a packet after which an open connection is forgotten whose client has said
	// nothing to be read: as long as a NAT must remember one (RFC 5382, REQ-5).
	FLOW_BARE_S = 7440,

	// The clock of a flow table goes on by this many seconds from one packet to the next at most, so
	// that setting the system's clock makes nothing look idle.
	FLOW_CLOCK_STEP_S = 5,

	// One client has at most this part of the slots open and undecided, at which its next
	// connection is dropped; but as many as this in any case. Flows whose server has not answered yet
	// do not count: they go first, and come back with the answer.
	FLOW_QUOTA_PART = 16,
	FLOW_QUOTA_MIN = 64,

	// Seconds for which a server may repeat its answer to a SYN (RFC 9293, section 3.8.3; Linux gives up
	// after 63 s). So long no answer passes between two ends whose SYN with data was forgotten: what is
	// acknowledged could begin in the midst of that data.
	FLOW_SYN_ACK_S = 130,

	// Seconds that a packet may be under way. So long no SYN-ACK passes between two ends whose flow was
	// forgotten when its client had just spoken: it could be that connection's, which went on since.
	FLOW_FLIGHT_S = 5,

	// Seconds for which a client is not believed mid-stream after one of its connections was forgotten. It must
	// be longer than servers wait for the rest of a hello or a request (see above), and than most keep an
	// idle connection between two (nginx 75 s, IIS 120 s, load balancers up to 10 minutes), since what
	// goes on after it is read from where it goes on. Not much longer, since as long an honest
	// client's connections that outlive the daemon or change gateways are reset as well.
	FLOW_FORGOTTEN_S = 600,

	// Cells of the filter that remembers these, a power of two: 256 kB.
	FLOW_LATELY_CELLS = 65536,

	// Seconds for which packets of a connection that an order ended are answered with resets, before the kernel
	// drops the rest. One does, unless what its receiver waits for was lost on the way: it acknowledges
	// once more what it has (RFC 5961, section 3.2), and the other end, which knows nothing of it by
	// now, answers with the reset that fits. So long both must pass.
	FLOW_RESETS_S = 5,

	// For connections that an order ends slots are made if the table has forgotten them (most are over), up
	// to this part of all. Of what is more nobody is told: the kernel drops it.
	FLOW_ENDED_PART = 4,

	// Server bytes that may pass while the client has said nothing that we can judge: a protocol in
	// which the server speaks first and at length.
	FLOW_SERVER_MAX = 256 * 1024,

	// Flows that nDPI looks at at one time, of each worker: 0.7 kB each at all times, and up to some
	// 20 kB of heap while it looks. It has seen enough of most after two packets, so that this many
	// are a second's worth of 500 new ones.
	CLASSIFY_FLOWS = 1024,

	// Packets with payload that nDPI sees of one flow: a greeting and a few commands of mail, in
	// both directions. It knows what it will ever know after eight in all of our captures.
	CLASSIFY_PACKETS_MAX = 8,

	// Bytes of each of them: an Ethernet frame's worth. nDPI copies parts of packets to the heap.
	CLASSIFY_BYTES_MAX = 1460,

	// UDP between the same two ends after such a pause is another conversation.
	CLASSIFY_IDLE_MS = 60000,
	// Seconds that a client's handshake in datagrams (QUIC, DTLS) is remembered after its last
	// datagram. It must be longer than servers wait for the rest of a hello (5 to 30 s are usual, 60
	// the longest default), since what comes after it is compared with nothing.
	HANDSHAKE_IDLE_S = 60,

	// One client's part of the handshake table with what is half read, as of the stream buffers above. Of the
	// usual 32,768 slots it is 2,048: hellos in several datagrams that came at once. What was read whole
	// counts for nobody.
	HANDSHAKES_QUOTA_PART = 16,

	// Traces of forgotten handshakes, 8 bytes each, for each slot of the table: 8 MB with the usual slots, of
	// which only what was used takes memory. To lose one, a client must send a million
	// hellos while its server waits: 35,000 a second for the usual 30 s.
	HANDSHAKES_TRACED = 32,

	// Handshakes between the same two ports: each Initial is tried with the keys of all of them.
	// Browsers take a new port for each connection; other clients use one for some.
	HANDSHAKES_PER_PATH = 16,

	// CRYPTO frames that are put in order before they are stored, so that frames in wild order leave no
	// holes. Chromium cuts a hello into some ten.
	QUIC_FRAMES_SORTED = 64,

	// Attempts to open the Initials of one datagram, of some microseconds each. Clients send one Initial, or
	// two when they probe; each is tried under its own id and under those of its path. One of a version
	// that we don't know is tried as that of each that we know.
	QUIC_TRIES_MAX = 48,

	// How far from each other the packet numbers of a client's Initials in one handshake may be. It sends a
	// handful. Below 127, a packet that opens has one number for each server that had any of them,
	// however few bytes of it there are.
	QUIC_NUMBERS_SPAN = 100,
};
