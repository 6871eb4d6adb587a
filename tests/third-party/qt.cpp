// SPDX-License-Identifier: LGPL-2.1-or-later
// Qt's containers: see third-party.h.
#include <QByteArray>
#include <QHash>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#if QT_VERSION < QT_VERSION_CHECK(6, 0, 0)
#include <QLinkedList>
#endif
#include <QList>
#include <QMap>
#include <QSet>
#include <QString>
#include <QVariant>
#include <QVector>

#include "third-party.h"

static QString qtext(long i)
{
	return QString::fromStdString(text(i));
}

struct here {
	int first;
	QHash<QString, QString> hash;
};

QMap<QString, QString> g_qmap;
QHash<int, QString> g_qhash;
QList<QString> g_qlist;
QVector<QString> g_qvector;
QByteArray g_qbytearray;
QString g_qstring;
QJsonObject g_qjsonobject;
#if QT_VERSION < QT_VERSION_CHECK(6, 0, 0)
QLinkedList<QString> g_qlinkedlist;
#endif
QSet<QString> g_qset;
QVariantMap g_qvariantmap;

struct members {
	int first;
	QMultiHash<int, QString> multihash;
	QMap<int, QVector<int>> map;
	QJsonArray array;
};
members g_members;
members *g_behind = new members();

static QList<QByteArray> &listed()
{
	static QList<QByteArray> s_qlist;
	return s_qlist;
}

GLOBAL(g_qmap, g_qmap.size(), g_qmap[qtext(i)] = qtext(i));
GLOBAL(g_qhash, g_qhash.size(), g_qhash[(int)i] = qtext(i));
GLOBAL(g_qlist, g_qlist.size(), g_qlist.append(qtext(i)));
GLOBAL(g_qvector, g_qvector.size(), g_qvector.append(qtext(i)));
GLOBAL(g_qbytearray, g_qbytearray.size(), g_qbytearray.append(text(i).c_str()));
GLOBAL(g_qstring, g_qstring.size(), g_qstring.append(qtext(i)));
GLOBAL(g_qjsonobject, g_qjsonobject.size(), g_qjsonobject[QString("%1").arg(i, 9, 10, QChar('0'))] = qtext(i));
#if QT_VERSION < QT_VERSION_CHECK(6, 0, 0)
GLOBAL(g_qlinkedlist, g_qlinkedlist.size(), g_qlinkedlist.append(qtext(i)));
#endif
GLOBAL(g_qset, g_qset.size(), g_qset.insert(qtext(i)));
GLOBAL(g_qvariantmap, g_qvariantmap.size(), g_qvariantmap[qtext(i)] = qtext(i));
GROWS(multihash, "g_members.multihash", g_members, g_members.multihash.size(), g_members.multihash.insert((int)i, qtext(i)));
GROWS(map, "g_members.map", g_members, g_members.map.size(), g_members.map[(int)i] = QVector<int>(20));
GROWS(array, "g_behind->array", g_behind, g_behind->array.size(), g_behind->array.append(qtext(i)));
GROWS(behind_multihash, "g_behind->multihash", g_behind, g_behind->multihash.size(),
      g_behind->multihash.insert((int)i, qtext(i)));
GROWS(s_qlist, "s_qlist", listed(), listed().size(), listed().append(QByteArray(90, 'q')));
GROWS(local_hash, "here.hash", *here, here->hash.size(), here->hash[qtext(i)] = qtext(i));

int main(int argc, char **argv)
{
	here here;
	return third_party_run(argc, argv, &here);
}
