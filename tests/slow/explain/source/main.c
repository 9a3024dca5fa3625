#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "monitor.h"
int level; char host[64] = "10.0.0.5"; static const int limits[] = {40, 180, 7, 99, 1234567, 3};
static int check(int v){ for (unsigned i=0;i<sizeof limits/sizeof *limits;i++) if (v < limits[i]) return i; return -1; }
int main(int argc, char **argv){
  net_init(host, 2404);
  if (argc > 2 && !strcmp(argv[1], "-l")) level = atoi(argv[2]);
  struct sample s = { level, 0.5, "lead" };
  for (int i=0;i<10;i++){ s.value = read_sensor(i); if (check(s.value) > 2) alarm_raise(&s, i); ui_loop(&s); }
  printf("done after %d turns, level %d\n", 10, level);
  return log_close();
}
