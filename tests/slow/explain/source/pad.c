#include <stdio.h>
static const char words[]="some more text that shifts what stands behind it by an odd number"; int pad_data[77]={1,2,3}; 
int pad_one(int v){ for(int i=0;i<v;i++) pad_data[i%77]+=words[i%60]; return printf("%s %d\n", words+3, pad_data[5]); }
int pad_two(int v){ return pad_one(v)*7+pad_data[v&63]; }
