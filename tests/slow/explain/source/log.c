#include <stdio.h>
#include <stdarg.h>
#include <stdlib.h>
#include "monitor.h"
static FILE*out; static int lines;
static FILE*open_log(void){ if(!out) out=fopen("/var/log/monitor.log","a"); return out?out:stderr; }
void log_line(const char*fmt,...){ va_list a; va_start(a,fmt); vfprintf(open_log(),fmt,a); va_end(a); fputc('\n',open_log()); lines++; }
int log_close(void){ if(out) fclose(out); out=0; return lines>100; }
void alarm_raise(struct sample*s,int n){ char b[80]; snprintf(b,sizeof b,"alarm %d of %s: %d exceeds", n, s->name, s->value); log_line("%s",b); if(n>8) abort(); }
