// SPDX-License-Identifier: LGPL-2.1-or-later
// A few containers of Boost, Abseil, Protocol Buffers and nlohmann::json in places of all kinds: thread-local, static within a
// function, in an object behind smart pointers and maps, in a base class, in a closure, on the stack of another thread, in an
// array of them, in a namespace: see third-party.h.
#include <absl/container/btree_map.h>
#include <absl/container/flat_hash_map.h>
#include <absl/container/inlined_vector.h>
#include <absl/container/node_hash_map.h>
#include <any>
#include <array>
#include <boost/circular_buffer.hpp>
#include <boost/container/flat_map.hpp>
#include <boost/container/small_vector.hpp>
#include <boost/lockfree/queue.hpp>
#include <boost/unordered_map.hpp>
#include <functional>
#include <google/protobuf/map.h>
#include <google/protobuf/repeated_field.h>
#include <google/protobuf/struct.pb.h>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <semaphore.h>
#include <thread>
#include <variant>

#include "third-party.h"

namespace bc = boost::container;
namespace pb = google::protobuf;

struct session {
	int number;
	absl::flat_hash_map<std::string, std::string> values;
	pb::RepeatedField<double> samples;
	nlohmann::json last;
};

struct service {
	virtual ~service() = default;
	virtual void add(long i) = 0;
	virtual long count() = 0;
};

struct kept {
	boost::unordered_map<int, std::string> kept_values;
};

struct store : service, kept {
	absl::btree_map<int, std::string> tree;
	void add(long i) override
	{
		tree[(int)i] = text(i);
	}
	long count() override
	{
		return (long)tree.size();
	}
};

namespace shop::stock
{
absl::node_hash_map<int, std::string> shelves;
static bc::flat_map<int, std::string> hidden;
} // namespace shop::stock
namespace
{
pb::RepeatedPtrField<std::string> anonymous;
}

struct registry {
	static absl::flat_hash_map<int, std::string> &instance()
	{
		static auto *made = new absl::flat_hash_map<int, std::string>();
		return *made;
	}
	static inline bc::small_vector<std::string, 2> names;
};

std::unique_ptr<service> g_service = std::make_unique<store>();
std::shared_ptr<session> g_session = std::make_shared<session>();
std::map<std::string, std::unique_ptr<session>> g_sessions;
std::array<absl::flat_hash_map<int, std::string>, 4> g_shards;
absl::btree_map<int, long> g_rows[3];
std::vector<pb::RepeatedField<int>> g_columns(4);
std::optional<absl::InlinedVector<std::string, 2>> g_maybe = absl::InlinedVector<std::string, 2>();
std::variant<int, pb::Map<int, std::string>> g_either = pb::Map<int, std::string>();
std::any g_whatever = nlohmann::json::array();
std::function<void(long)> g_closure;
std::function<long()> g_closure_count;
store g_store;
void *g_opaque = new boost::unordered_map<int, std::string>();
thread_local absl::flat_hash_map<int, std::string> t_flat;
thread_local pb::RepeatedField<long> t_numbers;
thread_local std::unique_ptr<absl::btree_map<int, std::string>> t_tree =
	std::make_unique<absl::btree_map<int, std::string>>();
const std::unique_ptr<boost::circular_buffer<std::string>> g_ring(new boost::circular_buffer<std::string>(200000));

// On the stack of a thread that adds what it is told to, and waits.
static sem_t s_asked, s_done;
static long s_next, s_threads_count;
static bool s_flat;

static void work()
{
	absl::flat_hash_map<int, std::string> of_thread;
	pb::RepeatedField<double> numbers_of_thread;
	for (;;) {
		sem_wait(&s_asked);
		if (s_flat)
			of_thread[(int)s_next] = text(s_next);
		else
			numbers_of_thread.Add((double)s_next);
		s_threads_count = s_flat ? (long)of_thread.size() : numbers_of_thread.size();
		sem_post(&s_done);
	}
}

static long ask(bool flat, long i)
{
	static bool started;
	if (!started) {
		started = true;
		sem_init(&s_asked, 0, 0);
		sem_init(&s_done, 0, 0);
		std::thread(work).detach();
	}
	s_flat = flat;
	s_next = i;
	sem_post(&s_asked);
	while (sem_wait(&s_done) != 0)
		;
	return s_threads_count;
}

static pb::RepeatedField<double> &samples()
{
	static pb::RepeatedField<double> s_samples;
	return s_samples;
}

static absl::btree_map<std::string, int> &scores()
{
	static absl::btree_map<std::string, int> s_scores;
	return s_scores;
}

static session &named(const char *name)
{
	std::unique_ptr<session> &one = g_sessions[name];
	if (!one)
		one = std::make_unique<session>();
	return *one;
}

static void close_over()
{
	if (g_closure)
		return;
	auto values = std::make_shared<absl::flat_hash_map<int, std::string>>();
	g_closure = [values](long i) { (*values)[(int)i] = text(i); };
	g_closure_count = [values]() { return (long)values->size(); };
}

struct here {
	int first;
	std::unique_ptr<session> session_behind = std::make_unique<session>();
	pb::RepeatedField<int> field;
	absl::InlinedVector<long, 4> inlined;
	absl::btree_map<long, long> tree;
	boost::lockfree::queue<long> queue{ 8 };
	std::vector<absl::flat_hash_map<int, std::string>> shards{ 3 };
};

GROWS(shelves, "shelves", shop::stock::shelves, shop::stock::shelves.size(), shop::stock::shelves[(int)i] = text(i));
GROWS(hidden, "hidden", shop::stock::hidden, shop::stock::hidden.size(), shop::stock::hidden[(int)i] = text(i));
GROWS(anonymous, "anonymous", anonymous, anonymous.size(), *anonymous.Add() = text(i));
GROWS(instance, "made|registry::instance", registry::instance(), registry::instance().size(),
	registry::instance()[(int)i] = text(i));
GROWS(names, "names", registry::names, registry::names.size(), registry::names.push_back(text(i)));
GROWS(service, "g_service", g_service, g_service->count(), g_service->add(i));
GROWS(session, "g_session", g_session, -1, g_session->values[text(i)] = text(i));
GROWS(session_samples, "g_session", g_session, -1, g_session->samples.Add((double)i));
GROWS(sessions, "g_sessions", g_sessions, -1, named("two").values[text(i)] = text(i));
GROWS(sessions_json, "g_sessions", g_sessions, -1, named("two").last.push_back(text(i)));
GROWS(shards, "g_shards", g_shards, -1, g_shards[2][(int)i] = text(i));
GROWS(rows, "g_rows", g_rows, -1, g_rows[1][(int)i] = i);
GROWS(columns, "g_columns", g_columns, -1, g_columns[3].Add((int)i));
GROWS(maybe, "g_maybe", g_maybe, g_maybe->size(), g_maybe->push_back(text(i)));
GROWS(either, "g_either", g_either, std::get<1>(g_either).size(), std::get<1>(g_either)[(int)i] = text(i));
GROWS(whatever, "g_whatever", g_whatever, std::any_cast<nlohmann::json &>(g_whatever).size(),
	std::any_cast<nlohmann::json &>(g_whatever).push_back(text(i)));
GROWS(closure, "g_closure|g_closure_count", g_closure, g_closure_count(), close_over(); g_closure(i));
GROWS(store, "g_store", g_store, g_store.kept_values.size(), g_store.kept_values[(int)i] = text(i));
GROWS(opaque, "g_opaque", g_opaque, ((boost::unordered_map<int, std::string> *)g_opaque)->size(),
	(*(boost::unordered_map<int, std::string> *)g_opaque)[(int)i] = text(i));
GROWS(t_flat, "t_flat", t_flat, t_flat.size(), t_flat[(int)i] = text(i));
GROWS(t_numbers, "t_numbers", t_numbers, t_numbers.size(), t_numbers.Add(i));
GROWS(t_tree, "t_tree", t_tree, t_tree->size(), (*t_tree)[(int)i] = text(i));
GROWS(ring, "g_ring", g_ring, g_ring->size(), g_ring->push_back(text(i)));
GROWS(of_thread, "of_thread|work", s_flat, -1, ask(true, i));
GROWS(numbers_of_thread, "numbers_of_thread|work", s_flat, -1, ask(false, i));
GROWS(s_samples, "s_samples", samples(), samples().size(), samples().Add((double)i));
GROWS(s_scores, "s_scores", scores(), scores().size(), scores()[text(i)] = (int)i);
GROWS(local_session, "here.session_behind", *here, here->session_behind->values.size(),
	here->session_behind->values[text(i)] = text(i));
GROWS(local_samples, "here.session_behind", *here, here->session_behind->samples.size(),
	here->session_behind->samples.Add((double)i));
GROWS(local_field, "here.field", *here, here->field.size(), here->field.Add((int)i));
GROWS(local_inlined, "here.inlined", *here, here->inlined.size(), here->inlined.push_back(i));
GROWS(local_tree, "here.tree", *here, here->tree.size(), here->tree[i] = i);
GROWS(local_queue, "here.queue", *here, -1, here->queue.push(i));
GROWS(local_shards, "here.shards", *here, -1, here->shards[1][(int)i] = text(i));

int main(int argc, char **argv)
{
	here here;
	return third_party_run(argc, argv, &here);
}
