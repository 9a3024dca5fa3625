#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "monitor.h"
static int (*compare)(const void*,const void*); static int cmp(const void*a,const void*b){ return *(int*)a-*(int*)b; }
const char* kind_name(int k){ switch(k){ case 0: return "idle"; case 1: return "sensor"; case 2: return "pump"; case 3: return "valve"; case 4: return "alarm"; case 5: return "network"; case 6: return "battery"; case 9: return "service"; default: return "unknown"; } }
int act(int k,int v){ switch(k){ case 0: return v+1; case 1: level=v; return 2; case 2: log_line("pump at %d", v); return v*3; case 3: return v-level; case 4: puts("ALARM"); return 9; case 5: return net_init(host,v); case 6: return v<<level; case 7: return v^0x5a5a; default: return -1; } }
void ui_loop(struct sample*s){ int t[5]={s->value,3,9,1,level}; compare=cmp; qsort(t,5,sizeof *t,compare); double m = t[2]*s->gain + 3.25; printf("%s: %d (%.2f) %s\n", s->name, t[0], m, kind_name(s->value%10)); act(s->value%9,t[1]); if(m>100.0) exit(3); }
