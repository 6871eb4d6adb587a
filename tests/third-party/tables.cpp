// SPDX-License-Identifier: LGPL-2.1-or-later
// Hash tables of small libraries (robin-map, sparsehash) and Eigen's matrices: see third-party.h.
#include <Eigen/Dense>
#include <sparsehash/dense_hash_map>
#include <sparsehash/sparse_hash_map>
#include <sparsehash/sparse_hash_set>
#include <tsl/robin_map.h>
#include <tsl/robin_set.h>

#include "third-party.h"

struct here {
	int first;
	tsl::robin_map<int, std::string> robin_map;
	Eigen::MatrixXd matrix;
};

tsl::robin_map<std::string, std::string> g_robin_map;
tsl::robin_set<long> g_robin_set;
google::dense_hash_map<int, std::string> g_dense_hash_map;
google::sparse_hash_map<int, std::string> g_sparse_hash_map;
google::sparse_hash_set<std::string> g_sparse_hash_set;
Eigen::MatrixXd g_matrix;

struct members {
	int first;
	google::sparse_hash_map<std::string, int> sparse_hash_map;
	Eigen::VectorXd vector;
};
members g_members;
members *g_behind = new members();

GLOBAL(g_robin_map, g_robin_map.size(), g_robin_map[text(i)] = text(i));
GLOBAL(g_robin_set, g_robin_set.size(), g_robin_set.insert(i));
GLOBAL(g_dense_hash_map, g_dense_hash_map.size(), if (g_dense_hash_map.bucket_count() != 0 && i == 0)
						      g_dense_hash_map.set_empty_key(-1);
       g_dense_hash_map[(int)i] = text(i));
GLOBAL(g_sparse_hash_map, g_sparse_hash_map.size(), g_sparse_hash_map[(int)i] = text(i));
GLOBAL(g_sparse_hash_set, g_sparse_hash_set.size(), g_sparse_hash_set.insert(text(i)));
GLOBAL(g_matrix, g_matrix.size(), g_matrix.resize(i + 1, 8));
GROWS(sparse_hash_map, "g_members.sparse_hash_map", g_members, g_members.sparse_hash_map.size(),
      g_members.sparse_hash_map[text(i)] = (int)i);
GROWS(vector, "g_behind->vector", g_behind, g_behind->vector.size(), g_behind->vector.resize(64 * (i + 1)));
GROWS(local_robin_map, "here.robin_map", *here, here->robin_map.size(), here->robin_map[(int)i] = text(i));
GROWS(local_matrix, "here.matrix", *here, here->matrix.size(), here->matrix.resize(i + 1, 8));

int main(int argc, char **argv)
{
	here here;
	return third_party_run(argc, argv, &here);
}
