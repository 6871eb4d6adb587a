# HC_KNOWN_FLAGS(VARIABLE, FLAGS)
# Substitutes VARIABLE with those of FLAGS that the C compiler accepts.
AC_DEFUN([HC_KNOWN_FLAGS], [
	$1=
	hc_saved_CFLAGS=$CFLAGS
	for hc_flag in m4_normalize([$2]); do
		AC_MSG_CHECKING([whether $CC accepts $hc_flag])
		CFLAGS="$hc_saved_CFLAGS -Werror $hc_flag"
		AC_COMPILE_IFELSE([AC_LANG_PROGRAM()],
			[AC_MSG_RESULT([yes]); $1="$$1 $hc_flag"],
			[AC_MSG_RESULT([no])])
	done
	CFLAGS=$hc_saved_CFLAGS
	AC_SUBST([$1])
])
